/** A primary that is killed, and one that freezes, under traffic of people who never give up. */
import { expect, test } from 'vitest';
import { startClusterOn, type ClusterOn } from '../../support/cluster.ts';
import { openDoor } from '../../support/door.ts';
import { atRest, checkLedger } from '../../support/ledger-checker.ts';
import { listen, newPerson, until, type Person } from '../../support/people.ts';
import { seeded } from '../../support/seeded.ts';
import { startSentinels } from '../../support/sentinels.ts';
import { startTraffic } from '../../support/traffic.ts';

const USERS = 4;
/** What is sold; the tests' own patience is longer, for a loaded machine. */
const PATIENCE_MS = 60_000;

test.for(['SIGKILL', 'SIGSTOP'] as const)(
  'T-8, T-1, T-3: a primary that gets %s loses no accepted turn and no seen end',
  { timeout: 240_000 },
  async (signal) => {
    const chance = seeded();
    await using sentinels = await startSentinels();
    await using cluster = await startClusterOn(sentinels.url, { gateways: 2, workers: 2, stores: 1 });
    await using door = await openDoor(cluster.gateways.map(({ port }) => port));
    using traffic = startTraffic({
      wsUrl: door.wsUrl,
      people: await newPeople(cluster),
      sessionsEach: 3,
      turnsEach: 20,
      window: 2,
      delayMs: () => chance.whole(20, 120),
    });
    await until(() => traffic.ended() >= traffic.total * 0.2, 'a fifth of the turns has ended', 60_000);
    const primary = await sentinels.primary();
    await primary.signal(signal);
    const promoted = await until(
      async () => {
        const now = await sentinels.primary().catch(() => undefined);
        return now !== undefined && now !== primary && now;
      },
      'another primary',
      PATIENCE_MS,
    );
    const taken = traffic.accepted();
    await until(() => traffic.accepted() > taken, 'messages are accepted again', PATIENCE_MS);
    if (signal === 'SIGKILL') await primary.start();
    else await primary.signal('SIGCONT');
    expect(promoted.name).not.toBe(primary.name);
    await traffic.done;
    await until(() => atRest(cluster.redis), 'everything is archived');
    const state = { redis: cluster.redis, archiveRoot: cluster.archiveDir, sessions: traffic.sessions };
    expect(await checkLedger(state), `MOLTBOT_TEST_SEED=${chance.seed}\n${cluster.output()}`).toEqual([]);
  },
);

async function newPeople(cluster: ClusterOn): Promise<Person[]> {
  using admin = listen(cluster.gateways[0]?.wsUrl ?? '', cluster.token);
  const made: Person[] = [];
  for (let at = 0; at < USERS; at += 1) made.push(await newPerson(admin, `user-${at}`));
  return made;
}
