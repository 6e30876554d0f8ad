/** One server, killed without a farewell in the middle of its work: first the process, at last its Redis too. */
import { join } from 'node:path';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { openDoor } from '../../support/door.ts';
import { atRest, checkLedger } from '../../support/ledger-checker.ts';
import { listen, newPerson, until, type Person } from '../../support/people.ts';
import { seeded } from '../../support/seeded.ts';
import { startStandalone, type Standalone } from '../../support/standalone.ts';
import { startTraffic, type Traffic } from '../../support/traffic.ts';

const USERS = 5;
const SESSIONS_EACH = 4;
const TURNS_EACH = 10;

test(
  'T-1, T-2, T-7, T-9: 200 turns survive two kills of the process and one of everything',
  { timeout: 180_000 },
  async () => {
    const chance = seeded();
    const stateDir = await mkdtemp(join(tmpdir(), 'moltbot-kill9-'));
    onTestFinished(() => rm(stateDir, { recursive: true, force: true }));
    await using door = await openDoor();
    let product = await startStandalone({ stateDir });
    onTestFinished(() => product[Symbol.asyncDispose]());
    const enter = (): void => door.point([Number(new URL(product.url).port)]);
    enter();
    const redis = new Redis(join(stateDir, 'redis', 'redis.sock'), { maxRetriesPerRequest: null });
    redis.on('error', () => undefined); // it is killed, and comes back
    onTestFinished(() => redis.disconnect());

    using traffic = startTraffic({
      wsUrl: door.wsUrl,
      people: await newPeople(door.wsUrl, product.token),
      sessionsEach: SESSIONS_EACH,
      turnsEach: TURNS_EACH,
      window: 2,
      delayMs: () => chance.whole(5, 60),
    });
    for (const [what, share] of [
      ['process', 0.2],
      ['everything', 0.45],
      ['process', 0.7],
    ] as const) {
      await untilShare(traffic, share);
      await new Promise((resolve) => setTimeout(resolve, chance.whole(0, 300))); // any moment of a turn
      const server = what === 'everything' ? await redisPid(redis) : undefined;
      const killed = product.kill();
      if (server !== undefined) process.kill(server, 'SIGKILL');
      await killed;
      product = await startStandalone({ stateDir });
      enter();
    }
    await traffic.done;
    await until(() => atRest(redis), 'everything is archived');
    const faults = await checkLedger({
      redis,
      archiveRoot: join(stateDir, 'sessions'),
      sessions: traffic.sessions,
    });
    expect(faults, `MOLTBOT_TEST_SEED=${chance.seed}`).toEqual([]);
  },
);

async function newPeople(wsUrl: string, token: Standalone['token']): Promise<Person[]> {
  using admin = listen(wsUrl, token);
  const made: Person[] = [];
  for (let at = 0; at < USERS; at += 1) made.push(await newPerson(admin, `user-${at}`));
  return made;
}

async function untilShare(traffic: Traffic, share: number): Promise<void> {
  const enough = (): boolean => traffic.ended() >= traffic.total * share;
  await until(enough, `${share * 100} % of the turns have ended`, 90_000);
}

async function redisPid(redis: Redis): Promise<number> {
  return Number(/^process_id:(\d+)/m.exec(await redis.info('server'))?.[1]);
}
