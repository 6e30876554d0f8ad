/** A hundred answers lose their worker in the middle, ten at a time, and every client has the whole text at last. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Actor, LiveTurn } from '../../chaos/actors/actor.ts';
import { completionsActor } from '../../chaos/actors/completions.ts';
import { responsesActor } from '../../chaos/actors/responses.ts';
import { webSocketActor } from '../../chaos/actors/websocket.ts';
import { startCluster, type Cluster } from '../../support/cluster.ts';
import { atRest, checkLedger } from '../../support/ledger-checker.ts';
import { listen, newPerson, until, type Person } from '../../support/people.ts';

const AT_ONCE = 10;
const ROUNDS = 10;
const WORDS = 30;

test(
  'T-1, T-5: a hundred answers whose worker is killed in the middle end whole, without a character lost or doubled',
  { timeout: 600_000 },
  async () => {
    await using cluster = await startCluster({ gateways: 2, workers: 2, stores: 1 });
    await using stack = new AsyncDisposableStack();
    const actors = (await newPeople(cluster)).map((person, at) => stack.use(actorOf(cluster, person, at)));
    for (let round = 0; round < ROUNDS; round += 1) {
      const turns = actors.map(({ diary }) => newTurn(`${diary.userId} in round ${round}`));
      const said = actors.map(async (actor, at) => await actor.say(turns[at] ?? newTurn('')));
      await until(async () => (await halfSaid(cluster)) === AT_ONCE, 'ten answers are half said');
      await Promise.all(cluster.workers.map(async (worker) => await worker.signal('SIGKILL')));
      await Promise.all(cluster.workers.map(async (worker) => await worker.start()));
      await Promise.all(said);
    }
    const diaries = actors.map(({ diary }) => diary);
    expect(diaries.flatMap(({ faults }) => faults)).toEqual([]);
    expect(diaries.flatMap(({ turns }) => turns)).toHaveLength(AT_ONCE * ROUNDS);
    expect(diaries.reduce((sum, { interrupted }) => sum + interrupted, 0)).toBe(0);
    for (const { heard, turns } of diaries)
      expect(heard.map(sha256)).toEqual(turns.map(({ answer }) => sha256(answer)));
    await until(() => atRest(cluster.redis), 'everything is archived');
    const { redis, archiveDir: archiveRoot } = cluster;
    expect(await checkLedger({ redis, archiveRoot, sessions: diaries })).toEqual([]);
  },
);

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

function newTurn(name: string): LiveTurn {
  const words = Array.from({ length: WORDS }, (_, at) => `word-${at}`).join(' ');
  const answer = `to ${name}: ${words}`;
  return { runId: '', text: `#delay 60 #echo ${answer}`, answer, seenEnds: [] };
}

function actorOf(cluster: Cluster, person: Person, at: number): Actor {
  const [first, second] = cluster.gateways;
  const gateway = at % 2 === 0 ? first : second;
  const [url, wsUrl] = [gateway?.url ?? '', gateway?.wsUrl ?? ''];
  if (at % 3 === 0) return completionsActor(url, person, 'long');
  return at % 3 === 1
    ? responsesActor(url, person, 'long')
    : webSocketActor(wsUrl, person, 'agent:main:long');
}

async function newPeople(cluster: Cluster): Promise<Person[]> {
  using admin = listen(cluster.gateways[0]?.wsUrl ?? '', cluster.token);
  const made: Person[] = [];
  for (let at = 0; at < AT_ONCE; at += 1) made.push(await newPerson(admin, `user-${at}`));
  return made;
}

/** Answers whose stream holds some words and not all. */
async function halfSaid(cluster: Cluster): Promise<number> {
  const keys = await cluster.redis.keys('s:*:events');
  const streams = await Promise.all(
    keys.map(async (key) => await cluster.redis.xrevrange(key, '+', '-', 'COUNT', 4)),
  );
  return streams.filter((events) => {
    const deltas = events.filter(([, fields]) => fields.join(' ').includes('"t":"delta"'));
    const isOver = events.some(([, fields]) => fields.join(' ').includes('"t":"end"'));
    return deltas.length >= 3 && !isOver;
  }).length;
}
