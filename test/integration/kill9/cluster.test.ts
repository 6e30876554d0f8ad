/** Separate processes, killed one kind after the other and at last all together with Redis, under 200 turns. */
import { internalClient } from '@moltbot/gateway';
import { readEntry } from '@moltbot/turns';
import { expect, test } from 'vitest';
import { startCluster, type Cluster } from '../../support/cluster.ts';
import { openDoor } from '../../support/door.ts';
import { atRest, checkLedger, strayLines, type SentSession } from '../../support/ledger-checker.ts';
import { readArchive, type ArchivedLine } from '../../support/archive-files.ts';
import { listen, newPerson, until, type Person } from '../../support/people.ts';
import { seeded, type Seeded } from '../../support/seeded.ts';
import type { Program } from '../../support/service-process.ts';
import { startTraffic } from '../../support/traffic.ts';

const USERS = 5;
const SESSIONS_EACH = 4;
const TURNS_EACH = 10;

test(
  'T-1, T-2, T-5, T-7, T-9: 200 turns survive kills of gateway, worker, store and of everything',
  { timeout: 180_000 },
  async () => {
    const chance = seeded();
    await using cluster = await startCluster({ gateways: 2, workers: 2, stores: 2 });
    await using door = await openDoor(cluster.gateways.map(({ port }) => port));
    using traffic = startTraffic({
      wsUrl: door.wsUrl,
      people: await newPeople(cluster),
      sessionsEach: SESSIONS_EACH,
      turnsEach: TURNS_EACH,
      window: 2,
      delayMs: () => chance.whole(5, 60),
    });
    const snapshots: Snapshot[] = [];
    for (const [at, victims] of plan(cluster, chance).entries()) {
      const enough = traffic.total * (0.15 + 0.18 * at);
      await until(() => traffic.ended() >= enough, `${enough} of ${traffic.total} turns have ended`, 90_000);
      await new Promise((resolve) => setTimeout(resolve, chance.whole(0, 300))); // any moment of a turn
      await Promise.all(victims.map(async (victim) => await victim.signal('SIGKILL')));
      if (victims.includes(cluster.redisServer)) await cluster.redisServer.start();
      snapshots.push(await snapshot(cluster, traffic.sessions));
      await Promise.all(
        victims.filter((one) => one !== cluster.redisServer).map(async (one) => await one.start()),
      );
    }
    await traffic.done;
    await until(() => atRest(cluster.redis), 'everything is archived');
    const { redis, archiveDir: archiveRoot } = cluster;
    const faults = await checkLedger({ redis, archiveRoot, sessions: traffic.sessions });
    expect(faults, `MOLTBOT_TEST_SEED=${chance.seed}`).toEqual([]);
    expect(await earlierLines(cluster, snapshots), `MOLTBOT_TEST_SEED=${chance.seed}`).toEqual([]);
    await everySessionVerifies(cluster, traffic.sessions);
  },
);

function plan(cluster: Cluster, chance: Seeded): (readonly Program[])[] {
  const { gateways, workers, stores, redisServer } = cluster;
  return [
    [chance.pick(gateways)],
    [chance.pick(workers)],
    [chance.pick(stores), chance.pick(gateways)],
    [...gateways, ...workers, ...stores, redisServer],
  ];
}

async function newPeople(cluster: Cluster): Promise<Person[]> {
  using admin = listen(cluster.gateways[0]?.wsUrl ?? '', cluster.token);
  const made: Person[] = [];
  for (let at = 0; at < USERS; at += 1) made.push(await newPerson(admin, `user-${at}`));
  return made;
}

/** What the archive held while something was dead: it must all turn out to have been committed. */
type Snapshot = Readonly<{ session: SentSession; lines: readonly ArchivedLine[] }>[];

async function snapshot(cluster: Cluster, sessions: readonly SentSession[]): Promise<Snapshot> {
  return await Promise.all(
    sessions.map(async (session) => ({ session, lines: (await archiveOf(cluster, session)).lines })),
  );
}

async function earlierLines(cluster: Cluster, snapshots: readonly Snapshot[]): Promise<string[]> {
  const found = snapshots.flat().map(async ({ session, lines }) => {
    return strayLines(lines, (await archiveOf(cluster, session)).lines);
  });
  return (await Promise.all(found)).flat();
}

async function archiveOf(cluster: Cluster, { userId, key }: SentSession): ReturnType<typeof readArchive> {
  const sid = (await readEntry(cluster.redis, userId, key))?.['sid'] ?? '';
  return await readArchive(cluster.archiveDir, userId, sid);
}

async function everySessionVerifies(cluster: Cluster, sessions: readonly SentSession[]): Promise<void> {
  const store = internalClient(cluster.stores[0]?.url ?? '', cluster.internalSecret);
  for (const { userId, key, turns } of sessions) {
    const sid = (await readEntry(cluster.redis, userId, key))?.['sid'];
    const answer = await store.post('/internal/v1/verify', { uid: userId, sid });
    expect(answer).toMatchObject({ records: 2 * turns.length, damaged: [], missing: [] });
  }
}
