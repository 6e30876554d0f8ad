/** Everything that can be done to the constellation while people write, each followed by its repair. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '@moltbot/demo-model';
import { QUEUE_PREFIX } from '@moltbot/shared/contracts';
import type { Redis } from 'ioredis';
import { until } from '../support/people.ts';
import type { Seeded } from '../support/seeded.ts';
import type { Program } from '../support/service-process.ts';
import type { Constellation } from './constellation.ts';

export type ChaosFault = Readonly<{
  name: string;
  /** Answers that end as broken are no loss: their provider fails. */
  mayBreak?: boolean;
  /** Part of the short form too. */
  short?: boolean;
  /** Does it and undoes it; everything is up again when it resolves. */
  inject(to: Constellation, chance: Seeded): Promise<void>;
}>;

export const FAULTS: readonly ChaosFault[] = [
  { name: 'none', short: true, inject: async () => await sleep(3_000) },
  {
    name: 'gateway killed (-9)',
    short: true,
    inject: async ({ cluster }, chance) => await killAndStart(chance.pick(cluster.gateways)),
  },
  {
    name: 'gateways restarted one after the other',
    inject: async ({ cluster }) => {
      for (const gateway of cluster.gateways) await restart(gateway);
    },
  },
  {
    name: 'worker killed (-9) in mid-answer',
    short: true,
    inject: async ({ cluster }, chance) => await killAndStart(chance.pick(cluster.workers)),
  },
  {
    name: 'worker frozen past its lease, then woken',
    inject: async ({ cluster }, chance) => await freeze([chance.pick(cluster.workers)], 12_000),
  },
  {
    name: 'workers restarted one after the other',
    inject: async ({ cluster }) => {
      for (const worker of cluster.workers) await restart(worker);
    },
  },
  {
    name: 'Redis primary killed (-9)',
    short: true,
    inject: async ({ sentinels }) => {
      const primary = await sentinels.primary();
      await primary.signal('SIGKILL');
      await promoted(sentinels, primary);
      await primary.start();
    },
  },
  {
    name: 'Redis primary frozen',
    short: true,
    inject: async ({ sentinels }) => {
      const primary = await sentinels.primary();
      await primary.signal('SIGSTOP');
      await promoted(sentinels, primary);
      await sleep(3_000);
      await primary.signal('SIGCONT');
    },
  },
  {
    name: 'Redis primary dies with writes that no replica has',
    inject: async ({ sentinels }) => {
      const primary = await sentinels.primary();
      const replicas = sentinels.servers.filter((server) => server !== primary);
      for (const replica of replicas) await replica.signal('SIGSTOP');
      await sleep(2_000);
      for (const server of sentinels.servers) await server.signal('SIGKILL');
      for (const replica of replicas) await replica.start();
      await promoted(sentinels, primary);
      await primary.start();
    },
  },
  {
    name: 'all Redis servers down for 20 s',
    inject: async ({ sentinels }) => {
      for (const server of sentinels.servers) await server.signal('SIGTERM');
      await sleep(20_000);
      await Promise.all(sentinels.servers.map(async (server) => await server.start()));
    },
  },
  {
    name: 'Redis short of memory',
    inject: async (to) =>
      await onPrimary(to, async (redis) => {
        await redis.config('SET', 'maxmemory', '1mb');
        await sleep(5_000);
        await redis.config('SET', 'maxmemory', '0');
      }),
  },
  {
    name: 'queue emptied by hand, five times',
    short: true,
    inject: async (to) => {
      for (let time = 0; time < 5; time += 1) {
        await onPrimary(to, loseJobs);
        await sleep(1_000);
      }
    },
  },
  {
    name: 'session-stores killed (-9)',
    inject: async ({ cluster }) => await Promise.all(cluster.stores.map(killAndStart)).then(() => undefined),
  },
  {
    name: 'session-stores frozen, as by a hung mount',
    inject: async ({ cluster }) => await freeze(cluster.stores, 10_000),
  },
  {
    name: 'HAProxy reloaded, three times',
    inject: async ({ haproxy }) => {
      for (let time = 0; time < 3; time += 1) {
        await haproxy.reload();
        await sleep(1_000);
      }
    },
  },
  {
    name: 'model: cut, stalled, malformed, overloaded, rate-limited',
    mayBreak: true,
    inject: async ({ cluster }) => {
      cluster.model.script(SPOILED);
      await sleep(8_000);
      cluster.model.script([]);
    },
  },
  {
    name: 'everything but Redis killed (-9) at once',
    short: true,
    inject: async ({ cluster }) => {
      const all = [...cluster.gateways, ...cluster.workers, ...cluster.stores];
      await Promise.all(all.map(async (one) => await one.signal('SIGKILL')));
      await Promise.all(all.map(async (one) => await one.start()));
    },
  },
];

/** In the order of the calls; the fourth of each is left whole by the retries. */
const SPOILED: readonly Fault[] = Array.from({ length: 4 }, (): Fault[] => [
  { kind: 'cut', afterTokens: 3, times: 2 },
  { kind: 'status', status: 429, retryAfterSeconds: 1, times: 3 },
  { kind: 'malformed', afterTokens: 2 },
  { kind: 'status', status: 529, times: 3 },
  { kind: 'stall', afterTokens: 4 },
  { kind: 'overloaded', afterTokens: 2 },
  { kind: 'slow', firstTokenMs: 1_500 },
  { kind: 'truncate', afterTokens: 3 },
]).flat();

async function killAndStart(victim: Program): Promise<void> {
  await victim.signal('SIGKILL');
  await victim.start();
}

async function restart(one: Program): Promise<void> {
  await one.signal('SIGTERM');
  await one.start();
}

async function freeze(those: readonly Program[], forMs: number): Promise<void> {
  for (const one of those) await one.signal('SIGSTOP');
  await sleep(forMs);
  for (const one of those) await one.signal('SIGCONT');
}

async function promoted(sentinels: Constellation['sentinels'], before: Program): Promise<void> {
  const isAnother = async (): Promise<boolean> => (await sentinels.primary().catch(() => before)) !== before;
  await until(isAnother, 'another primary', 60_000);
}

async function onPrimary({ sentinels }: Constellation, work: (redis: Redis) => Promise<void>): Promise<void> {
  const redis = sentinels.connect(await sentinels.primary());
  await work(redis).finally(() => redis.disconnect());
}

/** Jobs' hashes alone: their ids stay in the lists and their deduplication keys behind, the hardest to notice. */
async function loseJobs(redis: Redis): Promise<void> {
  const keys = await redis.keys(`${QUEUE_PREFIX}:*`);
  const jobs = keys.filter((key) => /:\d+$/.test(key));
  if (jobs.length > 0) await redis.del(...jobs);
}
