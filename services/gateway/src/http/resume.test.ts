/** A stream that is read again, from anywhere, is the stream that was not broken off. */
import fc from 'fast-check';
import type { LoggedEvent, RunEvent } from '@moltbot/shared/contracts';
import { toAppError } from '@moltbot/shared/errors';
import { describe, expect, test } from 'vitest';
import { createRunViews, replayOf } from '../adapters/run-views.ts';
import type { Hub, RunListener } from '../domain/ports.ts';
import { answerOf } from './answer.ts';
import { appendOnly } from './append-only.ts';
import { hearRun, type Room } from './hear-run.ts';
import { responseSink, ResponseStream } from './responses-stream.ts';
import type { Sse } from './sse.ts';

const SESSION = { sid: 's', key: 'agent:main:main' };
const OF = { tid: 'turn', run: 'run' };
const SHOWN = { shown: 'main' };

type Step =
  | Readonly<{ do: 'say' | 'think'; text: string }>
  /** The worker was lost: the next one repeats some of what was said, and goes on from there. */
  | Readonly<{ do: 'restart'; repeats: number; text: string }>;
type Ending = Readonly<{ outcome: 'final' | 'aborted' | 'error'; more: string; differs: boolean }>;

const words = fc.string({ minLength: 1, maxLength: 4 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('say' as const), text: words }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('think' as const), text: words }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('restart' as const),
      repeats: fc.nat(12),
      text: fc.constantFrom('', '!'),
    }),
  },
);
const ending: fc.Arbitrary<Ending> = fc.record({
  outcome: fc.constantFrom('final', 'final', 'aborted', 'error'),
  more: fc.constantFrom('', 'more'),
  differs: fc.boolean(),
});

/** A session's stream, as the ledger writes it: another run first, then ours to its end. */
function logOf(steps: readonly Step[], last: Ending, other: number): LoggedEvent[] {
  const events: LoggedEvent[] = [];
  let fence = 1;
  const add = (e: RunEvent): void => {
    const n = events.length + 1;
    events.push({ id: `${fence}-${n}`, prev: events.at(-1)?.id ?? '', ...SESSION, n, e });
  };
  for (let at = 0; at < other; at += 1) add({ t: 'delta', tid: 'other', run: 'other', text: 'not ours' });
  add({ t: 'accepted', ...OF, ...SHOWN });
  let attempt = 1;
  let text = '';
  const begin = (): void => {
    fence += 1;
    add({ t: 'start', ...OF, ...SHOWN, attempt, at: fence });
  };
  begin();
  for (const one of steps) {
    if (one.do === 'think') add({ t: 'thinking', ...OF, text: one.text });
    if (one.do === 'say') text += one.text;
    if (one.do === 'say') add({ t: 'delta', ...OF, text: one.text });
    if (one.do !== 'restart') continue;
    attempt += 1;
    begin();
    text = text.slice(0, one.repeats) + one.text;
    if (text !== '') add({ t: 'delta', ...OF, text });
  }
  const whole = last.differs ? `another ${text}` : text + last.more;
  add(endOf(last.outcome, whole));
  return events;
}

function endOf(outcome: Ending['outcome'], text: string): RunEvent {
  const usage = { input: 3, output: 5, cacheRead: 0, cacheWrite: 0 };
  const message = { content: [{ type: 'text', text }], usage, stopReason: 'stop' };
  const error = { code: 'PROVIDER_FAILED', message: 'why' };
  const times = { startedAt: 1, endedAt: 2 };
  return {
    t: 'end',
    ...OF,
    ...SHOWN,
    outcome,
    kind: 'chat',
    message,
    ...(outcome === 'error' && { error }),
    ...times,
  };
}

type Cut = Readonly<{ replayed: number; heardFrom: number; heardBefore: number }>;

/** A replica that reads the first `replayed` events from the stream, and hears those from `heardFrom` on. */
function replica(log: readonly LoggedEvent[], { replayed, heardFrom, heardBefore }: Cut) {
  const views = createRunViews(SESSION);
  let told: RunListener = () => undefined;
  let at = 0;
  const hearUpTo = (to: number): void => {
    for (; at < to; at += 1) {
      const event = log[at];
      if (!event) return;
      const view = views.advance(event);
      if (at >= heardFrom && view.runId === OF.run) told(event.e, view);
    }
  };
  const hub: Pick<Hub, 'watchRun' | 'replay'> = {
    watchRun: async (_user, _run, listener) => {
      told = listener;
      return await Promise.resolve(() => undefined);
    },
    replay: async (session) => {
      hearUpTo(heardBefore);
      return await Promise.resolve(replayOf(session, log.slice(0, replayed)));
    },
  };
  return { hub, hearTheRest: () => hearUpTo(log.length) };
}

/** A reader that takes one frame after the other. */
const slow: Room = async () => await Promise.resolve();

const HEAD = {
  id: 'resp_1',
  created_at: 1,
  model: 'm',
  instructions: null,
  max_output_tokens: null,
  metadata: {},
  previous_response_id: null,
  tool_choice: 'auto',
  tools: [],
};

/** Everything one reader is sent, as it is written. */
async function read(
  log: readonly LoggedEvent[],
  cut: Cut | 'live',
  after = -1,
  background = false,
): Promise<string[]> {
  const sent: string[] = [];
  const sse: Sse = {
    at: () => undefined,
    data: () => undefined,
    frame: () => undefined,
    event: (_name, value) => void sent.push(JSON.stringify(value)),
    end: (last = '') => void sent.push(`end ${last}`),
  };
  const { hub, hearTheRest } = replica(
    log,
    cut === 'live' ? { replayed: 0, heardFrom: 0, heardBefore: 0 } : cut,
  );
  const stream = new ResponseStream(sse, { ...HEAD, background }, after);
  const told = appendOnly(responseSink(() => stream));
  using heard = await hearRun(hub, 'u', { runId: OF.run, key: SESSION.key }, told.hear);
  const going = heard.go(cut === 'live' ? [] : await heard.past({ ...SESSION, turnId: OF.tid }), slow);
  hearTheRest();
  await going;
  await told.end.then(
    ({ event }) => stream.finish(answerOf(event)),
    (cause: unknown) => stream.fail(toAppError(cause)),
  );
  return sent;
}

const numberOf = (frame: string): number =>
  frame.startsWith('end ') ? Infinity : (JSON.parse(frame) as { sequence_number: number }).sequence_number;

type Sent = { type: string; sequence_number: number; delta?: string };
const sentOf = (frame: string): Sent => JSON.parse(frame) as Sent;
const textOf = (frames: readonly string[]): string =>
  frames.map((frame) => (frame.startsWith('end ') ? '' : (sentOf(frame).delta ?? ''))).join('');

/** What is left of a stream for who has had everything up to a number. */
const behind = (frames: readonly string[], after: number): string[] =>
  frames
    .filter((frame) => numberOf(frame) > after)
    .map((frame) => {
      if (!frame.includes('output_text.delta')) return frame;
      const { delta = '', ...sent } = sentOf(frame);
      const first = sent.sequence_number - delta.length + 1;
      return JSON.stringify({ ...JSON.parse(frame), delta: delta.slice(Math.max(0, after + 1 - first)) });
    });

const cutOf = (
  log: readonly LoggedEvent[],
  other: number,
  [a, b, c]: readonly [number, number, number],
): Cut => {
  const replayed = other + 1 + (a % (log.length - other)); // at least its acceptance is in the stream
  const heardFrom = b % (replayed + 1); // it listened before it read
  return { replayed, heardFrom, heardBefore: heardFrom + (c % (log.length - heardFrom + 1)) };
};
const cuts = fc.tuple(fc.nat(40), fc.nat(40), fc.nat(40));

test('T-6: a run is heard once and in order, wherever its past ends and its presence begins', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 12 }),
      ending,
      fc.nat(2),
      cuts,
      async (steps, last, other, at) => {
        const log = logOf(steps, last, other);
        const { hub, hearTheRest } = replica(log, cutOf(log, other, at));
        const heard: string[] = [];
        using hearing = await hearRun(
          hub,
          'u',
          { runId: OF.run, key: SESSION.key },
          (_event, { cursor }) => void heard.push(cursor),
        );
        const going = hearing.go(await hearing.past({ ...SESSION, turnId: OF.tid }), slow);
        hearTheRest();
        await going;
        expect(heard).toEqual(log.slice(other).map(({ id }) => id));
      },
    ),
    { numRuns: 500 },
  );
});

describe('T-6: a response that is read again', () => {
  test('is the same on every replica, wherever its past ends and its presence begins', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 12 }),
        ending,
        fc.nat(2),
        cuts,
        fc.integer({ min: -1, max: 40 }),
        fc.boolean(),
        async (steps, last, other, at, after, background) => {
          const log = logOf(steps, last, other);
          const whole = await read(log, 'live', -1, background);
          const again = await read(log, cutOf(log, other, at), after, background);
          expect(again).toEqual(behind(whole, after));
        },
      ),
      { numRuns: 500 },
    );
  });

  test('has numbers that rise, and the pieces of its text are its text', async () => {
    const log = logOf(
      [
        { do: 'say', text: 'a' },
        { do: 'restart', repeats: 1, text: 'bcd' },
      ],
      { outcome: 'final', more: 'e', differs: false },
      1,
    );
    const frames = (await read(log, 'live')).slice(0, -1);
    expect(frames.map(numberOf)).toEqual([0, 1, 2, 3, 4, 7, 8, 9, 10, 11, 12]);
    expect(frames.flatMap((frame) => sentOf(frame).delta ?? [])).toEqual(['a', 'bcd', 'e']);
  });

  test('is interrupted at the same number, and says nothing after it', async () => {
    const steps: Step[] = [
      { do: 'say', text: 'abc' },
      { do: 'restart', repeats: 1, text: 'X' },
      { do: 'say', text: 'Y' },
    ];
    const log = logOf(steps, { outcome: 'final', more: '', differs: false }, 0);
    const frames = await read(log, { replayed: log.length, heardFrom: 0, heardBefore: 0 });
    expect(JSON.parse(frames.at(-2) ?? '')).toMatchObject({
      type: 'response.failed',
      sequence_number: 7,
      response: { status: 'failed', error: { code: 'interrupted' }, output: [{ status: 'incomplete' }] },
    });
    expect(frames.at(-1)).toBe('end ');
  });

  test('whose beginning is no longer in the stream is not told at all', async () => {
    const log = logOf([{ do: 'say', text: 'abc' }], { outcome: 'final', more: '', differs: false }, 0);
    const { hub } = replica(log, { replayed: 0, heardFrom: 0, heardBefore: 0 });
    const trimmed = {
      ...hub,
      replay: async () => await Promise.resolve(replayOf(SESSION, log.slice(2))),
    };
    using heard = await hearRun(trimmed, 'u', { runId: OF.run, key: SESSION.key }, () => undefined);
    expect(await heard.past({ ...SESSION, turnId: OF.tid })).toBeUndefined();
  });
});

/** Some words at the end are taken back by a failover; the worker then says its whole attempt again, as one piece. */
function saidAgain(log: readonly LoggedEvent[], lost: number): LoggedEvent[] {
  const kept = log.slice(0, log.length - lost);
  const views = createRunViews(SESSION);
  const text = log.map((event) => ({ ...views.advance(event) })).at(-1)?.text ?? '';
  const at = { ...SESSION, n: 0 };
  const again: RunEvent[] = [
    { t: 'start', ...OF, ...SHOWN, attempt: 1, at: 9 },
    { t: 'delta', ...OF, text },
  ];
  return [
    ...kept,
    ...again.map((e, index) => ({ ...at, id: `1000-${index}`, prev: kept.at(-1)?.id ?? '', e })),
  ];
}

test('T-6, T-8: whoever saw words that a failover took goes on without losing or repeating a character', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(words, { minLength: 1, maxLength: 12 }),
      fc.nat(12),
      fc.nat(40),
      fc.boolean(),
      async (pieces, most, cut, background) => {
        const said = pieces.map((text): Step => ({ do: 'say', text }));
        const ended = logOf(said, { outcome: 'final', more: 'more', differs: false }, 1);
        const [begun, end] = [ended.slice(0, -1), ended.at(-1)];
        if (!end) throw new Error('it ends');
        const lost = Math.min(most, pieces.length);
        const kept = [...saidAgain(begun, lost), { ...end, id: '1000-9' }];
        const all = await read(ended, 'live', -1, background);
        const seen = all.slice(0, 1 + (cut % (all.length - 1)));
        const after = numberOf(seen.at(-1) ?? '');
        const rest = await read(
          kept,
          { replayed: kept.length, heardFrom: 0, heardBefore: 0 },
          after,
          background,
        );
        expect(textOf(seen) + textOf(rest)).toBe(`${pieces.join('')}more`);
        const numbers = [...seen, ...rest].map(numberOf);
        expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
        const lived = await read([...begun, ...kept.slice(begun.length - lost)], 'live', -1, background);
        expect(lived.at(-2)).toEqual(all.at(-2)); // with the same number
      },
    ),
    { numRuns: 500 },
  );
});

test('what comes while a reader is told the past is kept in a bounded number of pieces', async () => {
  const log = logOf([], { outcome: 'final', more: '', differs: false }, 0).slice(0, 2);
  let tell: RunListener = () => undefined;
  const hub = {
    watchRun: async (_user: string, _run: string, listener: RunListener) => {
      tell = listener;
      return await Promise.resolve(() => undefined);
    },
    replay: async () => await Promise.resolve(replayOf(SESSION, log)),
  };
  const pieces: string[] = [];
  let told = 0;
  using heard = await hearRun(hub, 'u', { runId: OF.run, key: SESSION.key }, (event, view) => {
    told += 1;
    if (event.t === 'delta') pieces.push(event.text);
    expect(view.text).toBe(pieces.join(''));
  });
  const steps = await heard.past({ ...SESSION, turnId: OF.tid });
  const views = createRunViews(SESSION);
  for (const event of log) views.advance(event);
  let text = '';
  for (let at = 0; at < 20_000; at += 1) {
    const e: RunEvent = { t: 'delta', ...OF, text: `${at} ` };
    text += e.text;
    tell(e, views.advance({ id: `9-${at}`, prev: '', ...SESSION, n: at, e }));
  }
  await heard.go(steps, slow);
  expect(pieces.join('')).toBe(text);
  expect(told).toBeLessThan(2_000);
});

test('a text whose pieces are lost has the numbers that they had', () => {
  const frames: { type: string; sequence_number: number }[] = [];
  const sse: Sse = {
    at: () => undefined,
    data: () => undefined,
    frame: () => undefined,
    event: (_name, value) => void frames.push(value as (typeof frames)[number]),
    end: () => undefined,
  };
  const stream = new ResponseStream(sse, { ...HEAD, background: false }, 7);
  stream.delta('0123456789'); // its characters are numbered from 4 to 13
  stream.finish({
    text: '0123456789',
    calls: [],
    stop: 'stop',
    tokens: { input: 0, cached: 0, cacheWrite: 0, output: 0 },
  });
  expect(frames[0]).toMatchObject({ delta: '456789' });
  expect(frames.map(({ type, sequence_number: number }) => [number, type])).toEqual([
    [13, 'response.output_text.delta'],
    [14, 'response.output_text.done'],
    [15, 'response.content_part.done'],
    [16, 'response.output_item.done'],
    [17, 'response.completed'],
  ]);
});
