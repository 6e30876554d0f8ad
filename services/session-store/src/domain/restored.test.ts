import type { NumberedRecord, SessionRecord } from '@moltbot/shared/contracts';
import { expect, test } from 'vitest';
import { toRestored } from './restored.ts';
import { recordLine } from './transcript.ts';

const SID = '0f8fad5b-d9cb-469f-a165-70867728950e';
const HEAD = { sid: SID, uid: 'alice', key: 'agent:main:subagent:a' };
const NOW_MS = 1_000_000_000_000;
const HOUR_MS = 3_600_000;

const said = (runId: string, text: string, timestamp: number): SessionRecord => ({
  type: 'user',
  turnId: `t-${runId}`,
  runId,
  content: [{ type: 'text', text }],
  timestamp,
});

const answered = (
  runId: string,
  text: string,
  timestamp: number,
  more: Partial<Extract<SessionRecord, { type: 'assistant' }>> = {},
): SessionRecord => ({
  type: 'assistant',
  turnId: `t-${runId}`,
  runId,
  content: [{ type: 'text', text }],
  provider: 'demo',
  model: 'demo-1',
  api: 'anthropic-messages',
  usage: { input: 3, output: 2, cacheRead: 4, cacheWrite: 5, costMicroUsd: 0 },
  stopReason: 'stop',
  timestamp,
  ...more,
});

function restored(records: readonly SessionRecord[], head: Parameters<typeof toRestored>[0] = HEAD) {
  const numbered = records.map((record, at): NumberedRecord => ({ seq: at + 1, fence: 10 + at, record }));
  const lines = numbered.map(({ seq, fence, record }) => {
    const line = Buffer.from(recordLine(SID, { seq, fence, record }));
    return { seq, fence, order: seq, line };
  });
  const recordOf = ({ seq }: { seq: number }): NumberedRecord => {
    const found = numbered[seq - 1];
    if (!found) throw new Error('no such line');
    return found;
  };
  return toRestored(head, { lines, recordOf }, NOW_MS);
}

test('a session of older files gets the lane its key had, one of today says it', () => {
  const records = [said('r1', 'hello', 1)];
  expect(restored(records)).toMatchObject({ lane: 'subagent', hidden: false });
  expect(restored(records, { ...HEAD, key: 'agent:main:main' })).toMatchObject({ lane: 'main' });
  expect(restored(records, { ...HEAD, lane: 'main', hidden: true })).toMatchObject({
    lane: 'main',
    hidden: true,
  });
  expect(restored([])).toBeUndefined();
});

test('the entry is that of the first words and the last answer; commands and notes are no model’s', () => {
  const records = [
    said('r1', ` ${'many words '.repeat(20)}`, 1),
    answered('r1', 'first', 2),
    said('r2', '/status', 3),
    answered('r2', 'all\n well', 4, { provider: 'moltbot', model: 'command', stopReason: 'aborted' }),
    answered('inject-1', 'a note', 5, { provider: 'moltbot', stopReason: 'injected' }),
  ];
  expect(restored(records)).toMatchObject({
    lastSeq: 5,
    firstFence: 10,
    highestFence: 14,
    updatedAtMs: 5,
    contextFromSeq: 1,
    entry: {
      createdAt: '1',
      title: expect.stringMatching(/^many words .{40,48}…$/) as string,
      preview: 'all well',
      runId: 'r2',
      aborted: '1',
      model: 'demo-1',
      modelProvider: 'demo',
      inputTokens: '3',
      totalTokens: '12',
    },
  });
});

test('answers of the last day are remembered with how they ended; what was not answered may be said again', () => {
  const at = (hoursAgo: number): number => NOW_MS - hoursAgo * HOUR_MS;
  const records = [
    said('old', 'a', at(26)),
    answered('old', 'b', at(25)),
    said('failed', 'a', at(3)),
    answered('failed', 'b', at(3) + 7, { stopReason: 'error', errorMessage: 'no key' }),
    said('stopped', 'a', at(2)),
    answered('stopped', 'b', at(2), { stopReason: 'aborted' }),
    said('cut', 'a', at(1)),
    answered('cut', 'b', at(1), { stopReason: 'length' }),
    said('waits', 'a', at(0)),
  ];
  const answers = restored(records)?.answered.map(({ runId, status, error }) => [runId, status, error]);
  expect(answers).toEqual([
    ['cut', 'final', ''],
    ['stopped', 'aborted', ''],
    ['failed', 'error', 'no key'],
  ]);
});
