/** Fifty people who write to the constellation, each with one of the clients that are sold as surviving. */
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../support/people.ts';
import type { Seeded } from '../support/seeded.ts';
import type { Actor, Diary } from './actors/actor.ts';
import { completionsActor } from './actors/completions.ts';
import { responsesActor } from './actors/responses.ts';
import { webSocketActor } from './actors/websocket.ts';
import type { Constellation } from './constellation.ts';

export type Drive = Readonly<{
  ended(): number;
  /** Nobody begins anything new; resolves when everything has ended, or has had long enough to. */
  finish(): Promise<readonly Diary[]>;
}>;

const ENDS_WITHIN_MS = 120_000;
const THINKS_UP_TO_MS = 1_500;
const WORDS = 'one two three four five six seven eight nine ten eleven twelve';

/** `name`: sessions of this drive alone. */
export function startDrive(
  { haproxy, people }: Constellation,
  name: string,
  chance: Seeded,
  mayBreak: boolean,
): Drive {
  let stopping = false;
  const counts = { ended: 0, said: 0 };
  const actors = people.map((person, at): Actor => {
    if (at % 5 === 3) return completionsActor(haproxy.url, person, name);
    if (at % 5 === 4) return responsesActor(haproxy.url, person, name);
    return webSocketActor(haproxy.wsUrl, person, `agent:main:${name}`);
  });
  const live = async ({ diary, say }: Actor): Promise<void> => {
    for (let turn = 0; !stopping; turn += 1) {
      await sleep(chance.whole(0, THINKS_UP_TO_MS));
      if (stopping) return;
      const answer = `answer ${turn} to ${diary.userId} in ${name}: ${WORDS}`;
      const text = `#delay ${chance.whole(10, 80)} #echo ${answer}`;
      counts.said += 1;
      await say({ runId: '', text, answer, seenEnds: [], mayBreak });
      counts.ended += 1;
    }
  };
  const lives = actors.map(live);
  for (const life of lives) life.catch(() => undefined); // heard at the finish
  return {
    ended: () => counts.ended,
    finish: async () => {
      stopping = true;
      await until(() => counts.ended === counts.said, 'every turn has ended', ENDS_WITHIN_MS).catch(
        () => undefined,
      );
      if (counts.ended === counts.said) await Promise.all(lives);
      for (const actor of actors) await actor[Symbol.asyncDispose]();
      const diaries = actors.map(({ diary }) => diary);
      if (counts.ended < counts.said) noteOpen(diaries, counts.said - counts.ended);
      return diaries;
    },
  };
}

function noteOpen(diaries: readonly Diary[], open: number): void {
  for (const { turns, silencesMs, faults } of diaries) {
    const [turn] = turns.slice(silencesMs.length);
    if (turn !== undefined)
      faults.push(`${turn.runId}: its client never saw an end (${open} of them in all)`);
  }
}
