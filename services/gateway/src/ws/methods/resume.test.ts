import type { LoggedEvent, ResumeAnswer } from '@moltbot/shared/contracts';
import { expect, test } from 'vitest';
import { replayOf } from '../../adapters/run-views.ts';
import type { MethodContext } from '../method.ts';
import { resumeMethods } from './resume.ts';

const SID = '7d1f0a52-9d3e-4d5a-9a3c-0d9b9d1c5a11';
const KEY = 'agent:main:main';
const RUN = { tid: 't', run: 'r', shown: 'main' } as const;

/** A session that stands at its third event; how often its whole stream was read for an answer. */
async function resumed(cursor: string, atRest: boolean): Promise<{ answer: ResumeAnswer; reads: number }> {
  const ended = { t: 'end', ...RUN, outcome: 'aborted', kind: 'chat', startedAt: 1, endedAt: 2 } as const;
  const events = [
    { t: 'accepted', ...RUN } as const,
    { t: 'start', ...RUN, attempt: 1, at: 1 } as const,
    ended,
  ];
  const log = events.map((e, n): LoggedEvent => ({ id: `1-${n}`, prev: '', sid: SID, key: KEY, n, e }));
  let reads = 0;
  const services = {
    rules: () => ({ defaultAgentId: 'main', mainKey: 'main', scope: 'per-sender' }),
    sessions: { entry: async () => await Promise.resolve({ sid: SID }) },
    hub: {
      expect: () => undefined,
      newest: async () => await Promise.resolve({ id: '1-2', atRest }),
      replay: async () => {
        reads += 1;
        return await Promise.resolve(replayOf({ sid: SID, key: KEY }, log));
      },
    },
  };
  const context = { principal: { userId: 'u' }, services } as unknown as MethodContext;
  const answer = await resumeMethods['chat.resume']?.run({ sessionKey: KEY, cursor } as never, context);
  return { answer: answer as ResumeAnswer, reads };
}

test('T-6: who has seen the newest event of a session at rest missed nothing, and nothing is read for it', async () => {
  const { answer, reads } = await resumed(`${SID}/1-2`, true);
  const nothing = { gap: false, frames: [], runs: [], cursor: `${SID}/1-2` };
  expect([answer, reads]).toEqual([{ sessionKey: KEY, sessionId: SID, ...nothing }, 0]);
  expect(await resumed(`${SID}/1-2`, false)).toEqual({ answer, reads: 1 });
});

test.each([
  ['an earlier event', `${SID}/1-1`, false],
  ['a part of the newest', `${SID}/1-2.1`, false],
  ['another generation', 'other/1-2', true],
])('whoever stands at %s is answered from the stream', async (_what, cursor, gap) => {
  const { answer, reads } = await resumed(cursor, true);
  expect([answer.gap, answer.frames.length > 0, reads]).toEqual([gap, !gap, 1]);
});
