import { Refusal } from '@moltbot/client/testing';
import { expect, test } from 'vitest';
import { bench } from '../../testing/command-line.ts';

type Asked = { after?: string; uid?: string; merge?: boolean };

const FAULT = {
  uid: 'ada',
  sid: '0f8fad5b-d9cb-469f-a165-70867728950e',
  kind: 'damaged',
  where: '7.jsonl:3',
};

test('verify adds up the pages and ends with 1 when something is damaged', async () => {
  const asked: Asked[] = [];
  await using cli = await bench({
    'archive.verify': (params) => {
      asked.push(params as Asked);
      const { after } = params as Asked;
      if (after === undefined) return { sessions: 50, records: 200, torn: 1, faults: [], next: 'ada/1' };
      return { sessions: 3, records: 7, torn: 0, faults: [FAULT] };
    },
  });
  const { code, out, err } = await cli.moltbot('archive', 'verify', '--user', 'ada');
  expect(asked).toEqual([{ uid: 'ada' }, { uid: 'ada', after: 'ada/1' }]);
  expect(code).toBe(1);
  expect(err).toBe('');
  expect(out).toContain('ada   0f8fad5b-d9cb-469f-a165-70867728950e  damaged  7.jsonl:3');
  expect(out).toContain('Sessions: 53   Records: 207\nTorn ends: 1 (what a crash leaves; harmless)\n');
});

test('a whole archive ends with 0, and says so to programs too', async () => {
  const page = { sessions: 1, records: 2, torn: 0, faults: [] };
  await using cli = await bench({ 'archive.verify': () => page });
  expect(await cli.moltbot('archive', 'verify')).toMatchObject({ code: 0 });
  const { json } = await cli.moltbot('archive', 'verify', '--json');
  expect(json()).toEqual({ ok: true, ...page });
});

test.each([[['restore']], [['archive', 'restore']]])('%s adds up the pages', async (words) => {
  const asked: Asked[] = [];
  await using cli = await bench({
    'archive.restore': (params) => {
      asked.push(params as Asked);
      const sums = { restored: 2, kept: 0, older: 1, empty: 0, records: 8, faults: [] };
      return asked.length === 1 ? { ...sums, next: 'ada/1' } : sums;
    },
  });
  const { code, out } = await cli.moltbot(...words, '--merge');
  expect(code).toBe(0);
  expect(asked).toEqual([{ merge: true }, { merge: true, after: 'ada/1' }]);
  expect(out).toBe('Sessions restored: 4 (16 records)\nEarlier generations, in the archive only: 2\n');
});

test('a page that is not answered in time is asked again; a refusal is not', async () => {
  let calls = 0;
  await using cli = await bench({
    'archive.verify': () => {
      calls += 1;
      if (calls > 1) return { sessions: 1, records: 2, torn: 0, faults: [] };
      throw new Refusal({
        code: 'UNAVAILABLE',
        message: 'the archive did not answer in time',
        retryable: true,
      });
    },
    'archive.restore': () => {
      calls += 1;
      throw new Refusal({ code: 'INVALID_REQUEST', message: 'this Redis has taken messages already' });
    },
  });
  expect(await cli.moltbot('archive', 'verify')).toMatchObject({ code: 0 });
  expect(calls).toBe(2);
  const { code, err } = await cli.moltbot('restore');
  expect({ code, calls }).toEqual({ code: 1, calls: 3 });
  expect(err).toBe('moltbot: this Redis has taken messages already\n');
});
