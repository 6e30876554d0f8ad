/** A chat that loses its connection, again and again and anywhere, shows in the end what one shows that never did. */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { inOrder, lasting } from './resumed/frames.ts';
import { pauses, runs, stepsOf } from './resumed/history.ts';
import { Wire } from './resumed/wire.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const cuts = fc.array(
  fc.record({
    at: fc.nat(60),
    awayFor: fc.nat(20),
    /** Frames of the event that still come through. */
    within: fc.nat(4),
    /** Frames that come before the hello. */
    early: fc.nat(3),
    trimTo: fc.option(fc.nat(8), { freq: 6 }),
  }),
  { maxLength: 4 },
);
const scenario = fc.record({
  runs,
  pauses,
  cuts,
  own: fc.nat(3),
  lag: fc.nat(6),
  drops: fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }),
  repeats: fc.array(fc.nat(70), { maxLength: 3 }),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

/**
 * What a person sees of a chat. An answer that is whole says no more about its end, an empty one is not
 * shown, and what was sent here stands where it was typed until the history is read: its place is not compared.
 */
function shown({ chat }: Wire): unknown {
  const { messages, runs: running, loading } = chat.getSnapshot();
  const seen = messages
    .map(({ role, text, runId, stopReason = 'stop', errorMessage, status }) => ({
      ...{ role, text, runId, errorMessage, status },
      stopReason: stopReason === 'injected' ? 'stop' : stopReason,
    }))
    .filter(({ text, stopReason }) => text !== '' || stopReason !== 'stop');
  const place = (one: (typeof seen)[number]): string => `${one.runId} ${one.role}`;
  return { loading, running, messages: seen.toSorted((a, b) => place(a).localeCompare(place(b))) };
}

/** Frames may be left out, and an attempt that was lost takes back what it said; nothing else may. */
const takenBack = ({ heard }: Wire): string[] =>
  inOrder(heard).filter((fault) => !/text$|delta$/.test(fault));

async function play({
  own,
  lag,
  drops,
  cuts: breaks,
  repeats,
  ...made
}: Scenario): Promise<readonly [Wire, Wire]> {
  const whole = new Wire({ lag: 0, drops: () => false });
  const broken = new Wire({ lag, drops: (n) => drops[n % drops.length] ?? false });
  let sent = 0;
  vi.spyOn(crypto, 'randomUUID').mockImplementation(() => `0-0-0-0-${Math.floor(sent++ / 2)}`);
  const mine = made.runs
    .slice(0, own)
    .map(() => [whole, broken].map(({ chat }) => chat.send('a question'))[0]);
  vi.restoreAllMocks();
  await vi.advanceTimersByTimeAsync(10);
  const ids = made.runs.map((_, at) => mine[at] ?? `foreign-${at}`);
  const steps = stepsOf(made.runs, ids, made.pauses);
  for (const [at, step] of steps.entries()) {
    for (const cut of breaks) {
      if (cut.at === at) broken.loseAfter(cut.within);
      if (cut.at === at && cut.trimTo !== null) broken.trim(cut.trimTo);
      if (cut.at + cut.awayFor === at) broken.comeBack(cut.early);
    }
    if (repeats.includes(at)) broken.repeat(5);
    whole.happen(step);
    broken.happen(step);
    await vi.advanceTimersByTimeAsync(step.pauseMs);
  }
  broken.comeBack(0);
  for (const wire of [broken, whole]) wire.answerAll();
  await vi.advanceTimersByTimeAsync(1_000);
  broken.answerAll();
  await vi.advanceTimersByTimeAsync(1_000);
  return [whole, broken];
}

test('T-6: the resumed stream is the uninterrupted stream, whatever was lost, late or told twice', async () => {
  let resumed = 0;
  let gaps = 0;
  let exact = 0;
  await fc.assert(
    fc.asyncProperty(scenario, async (made) => {
      const [whole, broken] = await play(made);
      expect(shown(broken)).toEqual(shown(whole));
      expect(broken.chat.getSnapshot().runs).toEqual([]);
      expect(takenBack(broken)).toEqual([]);
      // without a place to go on from, only the history tells
      const placed = broken.restarts === 1 && !broken.resumed.includes(true);
      expect(lasting((placed ? broken : whole).heard)).toEqual(lasting(whole.heard));
      if (placed) exact += broken.resumed.length;
      resumed += broken.resumed.length;
      gaps += broken.resumed.filter((gap) => gap).length;
      for (const { chat } of [whole, broken]) chat.close();
    }),
    { numRuns: 1_000 },
  );
  expect(exact).toBeGreaterThan(100);
  expect(resumed - gaps).toBeGreaterThan(100);
  expect(gaps).toBeGreaterThan(0);
});
