import type { Redis } from 'ioredis';
import { AppError } from '../errors/index.ts';
import { closeRedis, openRedis, type RedisTarget } from './client.ts';
import { durabilityKeys } from './keys.ts';
import { locateRedis } from './location.ts';
import { runIdOf } from './requirements.ts';

/**
 * What a failover may take back must not be shown. A primary may die with writes that no replica
 * has; so whatever a client is told (a message was taken, an answer has ended, this is the history) waits
 * here until enough replicas hold all that it rests on.
 */
export type Durability = AsyncDisposable &
  Readonly<{
    /** Replicas that must hold a write; 0: one server, whose own file is the promise, and nothing is waited for. */
    replicas: number;
    /**
     * Does `work` on `redis`, then waits until what it wrote and read is held. Rejects with UNAVAILABLE when
     * that cannot be said in time, or when the connection changed servers meanwhile: then nothing is known,
     * and whoever asked asks again.
     */
    settle<T>(redis: Redis, work: () => Promise<T>): Promise<T>;
  }>;

/** How long one WAIT may block, and for how long it is repeated. */
const WAIT_MS = 1_000;
const PATIENCE_MS = 4_000;
const RETRY_AFTER_MS = 1_000;

type Waiter = Readonly<{ server: Promise<string>; resolve(): void; reject(error: unknown): void }>;

/** `onRound` hears of every question put to the replicas: whether enough held it, after how many seconds. */
export async function openDurability(
  target: RedisTarget,
  onRound: (held: boolean, seconds: number) => void = () => undefined,
): Promise<Durability> {
  const { replicas } = locateRedis(target.url);
  if (replicas === 0)
    return { replicas, settle: async (_redis, work) => await work(), [Symbol.asyncDispose]: async () => {} };
  const redis = await openRedis({ ...target, name: `${target.name}-wait` }, 'once');
  const cover = createRounds(redis, replicas, onRound);
  return {
    replicas,
    settle: async (source, work) => {
      const server = serverOf(source);
      const result = await work();
      if (server === undefined || serverOf(source) !== server) throw unsettled('the primary has changed');
      await cover(server);
      return result;
    },
    [Symbol.asyncDispose]: async () => await closeRedis(redis),
  };
}

/**
 * One question in flight for everybody who asked before it.
 *
 * @NOTE WAIT covers what its own connection has written, and only outside of scripts and transactions. So
 * this connection writes a mark of its own behind everybody's writes: replicas hold a prefix of the
 * stream, so whoever holds the mark holds all before it.
 */
function createRounds(
  redis: Redis,
  replicas: number,
  onRound: (held: boolean, seconds: number) => void,
): (server: Promise<string>) => Promise<void> {
  let waiting: Waiter[] = [];
  let running = false;
  const run = async (): Promise<void> => {
    running = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      await ask(redis, replicas, onRound).then(
        async (answering) => await Promise.all(batch.map((waiter) => tell(waiter, answering))),
        (error: unknown) => batch.forEach(({ reject }) => reject(error)),
      );
    }
    running = false;
  };
  return async (server) =>
    await new Promise<void>((resolve, reject) => {
      waiting.push({ server, resolve, reject });
      if (!running) void run();
    });
}

async function tell({ server, resolve, reject }: Waiter, answering: string): Promise<void> {
  const asked = await server.catch(() => undefined);
  if (asked === answering) resolve();
  else reject(unsettled('the primary has changed'));
}

/** Resolves to the server whose replicas hold everything up to now. */
async function ask(
  redis: Redis,
  replicas: number,
  onRound: (held: boolean, seconds: number) => void,
): Promise<string> {
  const startedAtMs = performance.now();
  const seconds = (): number => (performance.now() - startedAtMs) / 1_000;
  const server = serverOf(redis);
  if (server === undefined) throw unsettled('the primary is not connected');
  for (;;) {
    const held = await mark(redis, replicas);
    if (serverOf(redis) !== server) throw unsettled('the primary has changed');
    onRound(held >= replicas, seconds());
    if (held >= replicas) return await server;
    if (seconds() * 1_000 > PATIENCE_MS)
      throw unsettled(`${held} of ${replicas} replicas hold what was written`);
  }
}

async function mark(redis: Redis, replicas: number): Promise<number> {
  const sent = redis.pipeline().set(durabilityKeys.mark, '1').call('WAIT', replicas, WAIT_MS);
  const [written, waited] = (await sent.exec()) ?? [];
  if (written?.[0] != null) throw written[0]; // a WAIT behind a mark that was refused would cover nothing
  if (waited?.[0] != null) throw waited[0];
  return Number(waited?.[1] ?? 0);
}

type Server = { id: Promise<string> | undefined };
const servers = new WeakMap<Redis, Server>();

/**
 * Which server a connection reaches, by a name that changes with every start; the promise with every
 * connection, and with every question that was not answered.
 */
function serverOf(redis: Redis): Promise<string> | undefined {
  const known = servers.get(redis);
  const seen = known ?? { id: undefined };
  if (known === undefined) {
    servers.set(redis, seen);
    redis.on('ready', () => askName(redis, seen));
    redis.on('close', () => {
      seen.id = undefined;
    });
  }
  if (seen.id === undefined && redis.status === 'ready') askName(redis, seen);
  return seen.id;
}

function askName(redis: Redis, seen: Server): void {
  const asked = redis.info('server').then((info) => {
    const name = runIdOf(info);
    if (name === undefined) throw new Error('INFO names no run_id');
    return name;
  });
  seen.id = asked;
  asked.catch(() => {
    if (seen.id === asked) seen.id = undefined;
  });
}

function unsettled(why: string): AppError {
  return new AppError(
    'UNAVAILABLE',
    `it cannot be said yet whether this survives a failover (${why}); try again`,
    {
      retryAfterMs: RETRY_AFTER_MS,
    },
  );
}
