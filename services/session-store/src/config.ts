import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { InternalSecret, milliseconds, port, readEnvironment, RedisUrl } from '@moltbot/shared/runtime';

const Env = z.object({
  REDIS_URL: RedisUrl,
  SESSION_STORE_PORT: port(9_103),
  SESSION_STORE_HOST: z.string().default('0.0.0.0'),
  INTERNAL_SECRET: InternalSecret,
  ARCHIVE_DIR: z
    .string()
    .default('/var/lib/moltbot/sessions')
    .refine(isAbsolute, 'an absolute path, such as /var/lib/moltbot/sessions'),
  SESSION_IDLE_EVICT_MS: milliseconds(30 * 60_000),
  ARCHIVE_BATCH_MS: milliseconds(50),
  SHARD_LEASE_MS: z.coerce.number().int().min(500).default(8_000),
  UV_THREADPOOL_SIZE: z.coerce.number().int().min(1).max(1_024).default(4),
});

export type SessionStoreConfig = Readonly<{
  redisUrl: string;
  http: Readonly<{ port: number; host: string }>;
  internalSecret: string;
  archiveDir: string;
  idleEvictMs: number;
  batchMs: number;
  shardLeaseMs: number;
  /** How many file operations the process can have under way; some are left for everything else. */
  ioThreads: number;
}>;

export function readConfig(env: NodeJS.ProcessEnv): SessionStoreConfig {
  const e = readEnvironment('session-store', Env, env);
  return {
    redisUrl: e.REDIS_URL,
    http: { port: e.SESSION_STORE_PORT, host: e.SESSION_STORE_HOST },
    internalSecret: e.INTERNAL_SECRET,
    archiveDir: e.ARCHIVE_DIR,
    idleEvictMs: e.SESSION_IDLE_EVICT_MS,
    batchMs: e.ARCHIVE_BATCH_MS,
    shardLeaseMs: e.SHARD_LEASE_MS,
    ioThreads: e.UV_THREADPOOL_SIZE,
  };
}
