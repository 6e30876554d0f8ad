/** Any history of a session: what its stream holds, and what its log holds once each event has happened. */
import fc from 'fast-check';
import type { LoggedEvent, RunEvent } from '@moltbot/shared/contracts';

export type Stored = Readonly<{
  role: string;
  text: string;
  runId: string;
  stopReason?: string;
  errorMessage?: string;
}>;
export type Step = Readonly<{ event: LoggedEvent; stored: readonly Stored[]; pauseMs: number }>;

export const SESSION = { sid: '7d1f0a52-9d3e-4d5a-9a3c-0d9b9d1c5a11', key: 'agent:main:main' } as const;

type Said = Readonly<
  { t: 'delta' | 'thinking'; text: string } | { t: 'restart' } | { t: 'injected'; text: string }
>;
type Run = Readonly<{ said: readonly Said[]; outcome: 'final' | 'aborted' | 'error'; command: boolean }>;

const words = fc.constantFrom('a ', 'b ', 'ab', '你好', '\n', 'x'.repeat(30));
const said: fc.Arbitrary<Said> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ t: fc.constant('delta' as const), text: words }) },
  { weight: 3, arbitrary: fc.record({ t: fc.constant('thinking' as const), text: words }) },
  { weight: 1, arbitrary: fc.constant({ t: 'restart' as const }) },
  { weight: 1, arbitrary: fc.record({ t: fc.constant('injected' as const), text: words }) },
);
const run: fc.Arbitrary<Run> = fc.record({
  said: fc.array(said, { maxLength: 12 }),
  outcome: fc.constantFrom('final', 'aborted', 'error'),
  command: fc.boolean(),
});

export const runs = fc.array(run, { minLength: 1, maxLength: 5 });
export const pauses = fc.array(fc.constantFrom(0, 15, 45, 200), { minLength: 80, maxLength: 80 });

/** `ids`: the runs' ids. The next run is accepted before the one before it begins, so that one always waits. */
export function stepsOf(made: readonly Run[], ids: readonly string[], pausesMs: readonly number[]): Step[] {
  const steps: Step[] = [];
  let n = 0;
  const log = (e: RunEvent, stored: readonly Stored[] = []): void => {
    const id = `1700000000000-${steps.length}`;
    const prev = steps.at(-1)?.event.id ?? '';
    n = e.t === 'accepted' || e.t === 'injected' ? n : n + 1;
    steps.push({
      event: { id, prev, n, e, ...SESSION },
      stored,
      pauseMs: pausesMs[steps.length % pausesMs.length] ?? 0,
    });
  };
  const accept = (at: number): void => {
    const runId = ids[at];
    if (runId !== undefined) log({ t: 'accepted', tid: `t-${runId}`, run: runId, shown: SESSION.key });
  };
  accept(0);
  for (const [at, one] of made.entries()) {
    accept(at + 1);
    n = 0;
    speak(one, ids[at] ?? '', log);
  }
  return steps;
}

type Log = (event: RunEvent, stored?: readonly Stored[]) => void;

function speak({ said: parts, outcome, command }: Run, runId: string, log: Log): void {
  const named = { tid: `t-${runId}`, run: runId };
  const begin = {
    t: 'start',
    ...named,
    shown: SESSION.key,
    at: 1,
    ...(command && { kind: 'command' as const }),
  } as const;
  let [attempt, text] = [1, ''];
  log({ ...begin, attempt }, [{ role: 'user', text: 'a question', runId }]);
  for (const [at, part] of parts.entries()) {
    if (part.t === 'injected') {
      const note = `inject-${runId}-${at}`;
      const message = { role: 'assistant', content: [{ type: 'text', text: part.text }], timestamp: 1 };
      log({ t: 'injected', run: note, shown: SESSION.key, message }, [
        { role: 'assistant', text: part.text, runId: note, stopReason: 'injected' },
      ]);
    } else if (part.t === 'restart') {
      [attempt, text] = [attempt + 1, ''];
      log({ ...begin, attempt });
    } else {
      if (part.t === 'delta') text += part.text;
      log({ t: part.t, ...named, text: part.text });
    }
  }
  const content = text === '' ? [] : [{ type: 'text', text }];
  const failed = outcome === 'error' && { error: { code: 'PROVIDER_FAILED', message: `${runId} failed` } };
  log(
    {
      ...{ t: 'end', ...named, shown: SESSION.key, outcome, kind: command ? 'command' : 'chat' },
      ...(outcome === 'final' && { message: { content, timestamp: 1 } }),
      ...failed,
      ...{ startedAt: 1, endedAt: 2 },
    } as RunEvent,
    [
      {
        ...{ role: 'assistant', text, runId, stopReason: outcome === 'final' ? 'stop' : outcome },
        ...(failed && { errorMessage: failed.error.message }),
      },
    ],
  );
}
