import { expect, test } from 'vitest';
import type { LoggedEvent, RunEvent } from '@moltbot/shared/contracts';
import { createTail } from './session-tail.ts';

const REF = { sid: 's', key: 'agent:main:main' };
const run = (tid: string) => ({ tid, run: `run-${tid}` });

/** A session's stream as the ledger writes it: ids rise with the fence, each names the one before. */
function stream(...events: RunEvent[]): LoggedEvent[] {
  return events.map((e, index) => ({
    id: `1-${index + 1}`,
    prev: index === 0 ? '' : `1-${index}`,
    ...REF,
    n: index,
    e,
  }));
}

const start = (tid: string, attempt = 1): RunEvent => ({
  t: 'start',
  ...run(tid),
  shown: 'main',
  attempt,
  at: 1,
});
const delta = (tid: string, text: string): RunEvent => ({ t: 'delta', ...run(tid), text });
const end = (tid: string): RunEvent => ({
  t: 'end',
  ...run(tid),
  shown: 'main',
  outcome: 'final',
  kind: 'chat',
  startedAt: 1,
  endedAt: 2,
});

const ONE_RUN = stream(start('a'), delta('a', 'he'), delta('a', 'll'), delta('a', 'o'), end('a'));

/** A tail on a stream that holds `stored`; `told` is what a listener heard, each with the text so far. */
function listen(stored: readonly LoggedEvent[], endsAreRead = false) {
  const told: string[] = [];
  const reads: string[] = [];
  const { promise: failed, resolve: fail } = Promise.withResolvers<unknown>();
  let broken = false;
  const tail = createTail(
    REF,
    async (after) => {
      reads.push(after);
      await Promise.resolve();
      if (broken) throw new Error('no Redis');
      const known = stored.findIndex(({ id }) => id === after);
      return { events: stored.slice(known + 1), gap: after !== '' && known < 0 };
    },
    (event, view) => void told.push(`${event.t} ${view.turnId}:${view.text}`),
    fail,
    endsAreRead,
  );
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const setBroken = (now: boolean): void => void (broken = now);
  return { tail, told, reads, settled, failed, setBroken };
}

const pick = (events: readonly LoggedEvent[], ...places: number[]): LoggedEvent[] =>
  places.map((place) => events[place]).filter((event) => event !== undefined);
const WHOLE = ['start a:', 'delta a:he', 'delta a:hell', 'delta a:hello', 'end a:hello'];

test('events that come in order are told without reading the stream', async () => {
  const { tail, told, reads, settled } = listen(ONE_RUN);
  for (const event of ONE_RUN) tail.take(event);
  await settled();
  expect(told).toEqual(WHOLE);
  expect(reads).toEqual([]);
});

test.each([
  ['a lost bell', [0, 1, 4]],
  ['several lost bells', [0, 3, 4]],
  ['bells heard twice', [0, 0, 1, 1, 1, 2, 3, 4, 4]],
  ['bells out of order', [0, 2, 1, 4, 3]],
])('%s: each event is told once, in order', async (_, heard) => {
  const { tail, told, settled } = listen(ONE_RUN);
  for (const event of pick(ONE_RUN, ...heard)) {
    tail.take(event);
    await settled();
  }
  expect(told).toEqual(WHOLE);
});

test('who comes in the middle hears from then on, with the text from the beginning', async () => {
  const { tail, told, settled } = listen(ONE_RUN);
  for (const event of pick(ONE_RUN, 2, 3, 4)) tail.take(event);
  await settled();
  expect(told).toEqual(WHOLE.slice(2));
});

test('a run that began before is rebuilt while another is already known', async () => {
  const both = stream(start('a'), start('b'), delta('a', 'x'), delta('b', 'y'));
  const { tail, told, settled } = listen(both);
  for (const event of pick(both, 1, 2, 3)) tail.take(event);
  await settled();
  expect(told).toEqual(['start b:', 'delta a:x', 'delta b:y']);
});

test('another attempt starts its text over, and a higher fence comes after a lower one', async () => {
  const first = stream(start('a'), delta('a', 'half'));
  const second = [start('a', 2), delta('a', 'whole')].map((e, n): LoggedEvent => ({
    id: `12-${n + 3}`,
    prev: n === 0 ? '1-2' : '12-3',
    ...REF,
    n: n + 2,
    e,
  }));
  const { tail, told } = listen([...first, ...second]);
  for (const event of [...first, ...second]) tail.take(event);
  await Promise.resolve();
  expect(told.slice(2)).toEqual(['start a:', 'delta a:whole']);
});

test('polling finds what no bell told, and only while a run is live', async () => {
  const { tail, told, reads, settled } = listen(ONE_RUN);
  tail.poll();
  for (const event of pick(ONE_RUN, 0)) tail.take(event);
  tail.poll();
  await settled();
  expect(told).toEqual(WHOLE);
  tail.poll();
  await settled();
  expect(reads).toEqual(['1-1']);
});

test('a stream that cannot be read is reported, and read again at the next event', async () => {
  const { tail, told, settled, failed, setBroken } = listen(ONE_RUN);
  for (const event of pick(ONE_RUN, 0)) tail.take(event);
  setBroken(true);
  tail.poll();
  await expect(failed).resolves.toMatchObject({ message: 'no Redis' });
  for (const event of pick(ONE_RUN, 1)) tail.take(event);
  await settled();
  expect(told).toEqual(WHOLE.slice(0, 2));
});

test('a stream that cannot be read is not asked again and again, and nothing of it is left out', async () => {
  const { tail, told, reads, settled, setBroken } = listen(ONE_RUN);
  for (const event of pick(ONE_RUN, 0)) tail.take(event);
  setBroken(true);
  for (const event of pick(ONE_RUN, 2)) tail.take(event);
  for (let turn = 0; turn < 5; turn += 1) await settled();
  expect(reads).toEqual(['1-1']);
  setBroken(false);
  tail.poll();
  await settled();
  expect(told).toEqual(WHOLE);
});

test('a run that must be rebuilt is told from where we were, also when the first reading fails', async () => {
  const both = stream(start('a'), start('b'), end('b'), delta('c', 'x'), delta('c', 'y'));
  const { tail, told, settled, setBroken } = listen(both);
  for (const event of pick(both, 0)) tail.take(event);
  setBroken(true);
  for (const event of pick(both, 4)) tail.take(event);
  await settled();
  setBroken(false);
  tail.poll();
  await settled();
  expect(told).toEqual(['start a:', 'start b:', 'end b:', 'delta c:x', 'delta c:xy']);
});

test('a run whose bells were all lost is told by the next poll, and what ended before it is not', async () => {
  const t = listen(
    stream(start('old'), delta('old', 'x'), end('old'), start('new'), delta('new', 'hi'), end('new')),
  );
  t.tail.poll();
  await t.settled();
  expect(t.told).toEqual([]);
  t.tail.expect('new');
  t.tail.poll();
  await t.settled();
  expect(t.told).toEqual(['start new:', 'delta new:hi', 'end new:hi']);
  t.tail.poll();
  await t.settled();
  expect(t.reads).toEqual(['']);
});

test('after a lost connection a resting session is looked at too, from where it was left', async () => {
  const t = listen(ONE_RUN);
  for (const event of ONE_RUN.slice(0, 1)) t.tail.take(event);
  t.tail.poll(true);
  await t.settled();
  expect(t.told.at(-1)).toBe('end a:hello');
  t.tail.poll(true);
  await t.settled();
  expect(t.told).toHaveLength(5);
});

test('T-8: where a failover can take an end back, it is told only once the stream has given it', async () => {
  const stored = ONE_RUN.slice(0, -1);
  const { tail, told, settled } = listen(stored, true);
  for (const event of ONE_RUN) tail.take(event);
  await settled();
  expect(told.at(-1)).toBe('delta a:hello');
  stored.push(...stream(start('a'), delta('a', ''), delta('a', ''), delta('a', ''), end('a')).slice(-1));
  tail.poll();
  await settled();
  expect(told.filter((line) => line.startsWith('end'))).toEqual(['end a:hello']);
});

test('T-8: the next run that begins while an end is read is told after it', async () => {
  const events = stream(start('a'), delta('a', 'x'), end('a'), start('b'), delta('b', 'y'), end('b'));
  const { tail, told, settled } = listen(events, true);
  for (const event of events) tail.take(event);
  for (let round = 0; round < 4; round += 1) await settled();
  expect(told).toEqual(['start a:', 'delta a:x', 'end a:x', 'start b:', 'delta b:y', 'end b:y']);
});

test('T-6: what comes during a slow read and does not follow what it gives is read again, not pasted on', async () => {
  const stored = ONE_RUN.slice(0, 2);
  const told: string[] = [];
  const held: (() => void)[] = [];
  const tail = createTail(
    REF,
    async (after) => {
      const known = stored.findIndex(({ id }) => id === after);
      const events = stored.slice(known + 1); // as it was when it was asked for
      await new Promise<void>((answer) => held.push(answer));
      return { events, gap: false };
    },
    (event, view) => void told.push(`${event.t} ${view.text}`),
    () => undefined,
    true,
  );
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
  };
  for (const event of ONE_RUN.slice(0, 2)) tail.take(event);
  tail.poll(true);
  await settle();
  stored.push(...ONE_RUN.slice(2));
  const [, , , last] = ONE_RUN;
  if (last) tail.take(last); // the bell of the one before it is lost
  for (let reads = 0; reads < 3; reads += 1) {
    held.shift()?.();
    await settle();
  }
  expect(told).toEqual(['start ', 'delta he', 'delta hell', 'delta hello', 'end hello']);
});
