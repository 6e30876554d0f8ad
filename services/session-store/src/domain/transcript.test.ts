import type { ContentBlock, SessionRecord } from '@moltbot/shared/contracts';
import fc from 'fast-check';
import { test } from 'vitest';
import { headLine, readHead, readRecord, recordLine } from './transcript.ts';

const SID = '0f8fad5b-d9cb-469f-a165-70867728950e';

/** Texts that look like what we add are the ones that could go wrong. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    '\n',
    '[message_id: run]',
    'hello\n[message_id: run]',
    '\n[message_id: run]',
    '","crc":"',
  ),
);
const block: fc.Arbitrary<ContentBlock> = fc.oneof(
  text.map((value) => ({ type: 'text', text: value })),
  text.map((value) => ({ text: value, type: 'text', cache_control: { type: 'ephemeral' } })),
  fc.constant({ type: 'image', source: { type: 'base64', data: 'aGk=' } }),
  fc.constant({ type: 'text' }),
  fc.jsonValue().map((value) => ({ type: 'toolCall', arguments: value })),
);
const content = fc.array(block, { maxLength: 4 });
const runId = fc.constantFrom('run', 'another', '"quoted"');
const user = fc.tuple(content, runId, fc.boolean()).map(([blocks, id, withContext]): SessionRecord => {
  const context = [{ role: 'user' as const, content: blocks }];
  return {
    type: 'user',
    turnId: 't',
    ...(withContext && { context }),
    runId: id,
    content: blocks,
    timestamp: 1_700_000_000_000,
  };
});
const assistant = fc
  .tuple(content, runId, fc.option(fc.nat()))
  .map(([blocks, id, costMicroUsd]): SessionRecord => ({
    usage: { input: 1, output: 2, cacheRead: 3, cacheWrite: 4, costMicroUsd },
    type: 'assistant',
    turnId: 't',
    runId: id,
    content: blocks,
    provider: 'p',
    model: 'm',
    api: 'a',
    stopReason: 'error',
    errorMessage: 'why',
    timestamp: 5,
  }));
const compaction = text.map((summary): SessionRecord => ({
  type: 'compaction',
  turnId: 't',
  summary,
  upToSeq: 9,
  timestamp: 5,
}));

test('T-9: a record comes back from its line to the byte', ({ expect }) => {
  fc.assert(
    fc.property(fc.oneof(user, assistant, compaction), fc.integer({ min: 1, max: 1e9 }), (record, seq) => {
      const numbered = { seq, fence: 1_795_427_123_420, record };
      const line = recordLine(SID, numbered);
      expect(line).not.toContain('\n');
      expect(JSON.stringify(readRecord(JSON.parse(line)))).toBe(
        JSON.stringify({ seq, fence: numbered.fence, record: JSON.parse(JSON.stringify(record)) as unknown }),
      );
    }),
    { numRuns: 500 },
  );
});

test('lines form one chain by their ids', ({ expect }) => {
  const lines = [1, 2, 3].map((seq) => {
    const record: SessionRecord = {
      type: 'compaction',
      turnId: 't',
      summary: 's',
      upToSeq: seq,
      timestamp: 5,
    };
    return JSON.parse(recordLine(SID, { seq, fence: 1, record })) as Record<string, unknown>;
  });
  expect(lines.map(({ parentId }) => parentId)).toEqual([null, lines[0]?.['id'], lines[1]?.['id']]);
  expect(lines[0]?.['firstKeptEntryId']).toBe(lines[1]?.['id']);
});

test('the first line says whose the file is', ({ expect }) => {
  const head = { sid: SID, uid: 'alice', key: 'agent:main:main' };
  const line: unknown = JSON.parse(headLine(head, 5));
  expect(line).toMatchObject({ type: 'session', version: 3, id: SID, timestamp: '1970-01-01T00:00:00.005Z' });
  expect(readHead(line)).toEqual(head);
  const whole = { ...head, lane: 'subagent', hidden: true } as const;
  expect(readHead(JSON.parse(headLine(whole, 5)))).toEqual(whole);
  expect(readHead({ type: 'message' })).toBeUndefined();
});
