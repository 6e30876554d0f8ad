import { hostname } from 'node:os';
import { z } from 'zod';
import { milliseconds, port, readEnvironment, RedisUrl } from '@moltbot/shared/runtime';

const Env = z.object({
  REDIS_URL: RedisUrl,
  WORKER_ID: z.string().min(1).default(`${hostname()}-${process.pid}`),
  WORKER_POOL: z
    .string()
    .regex(/^[a-z0-9-]+$/)
    .default('default'),
  WORKER_SLOTS: z.coerce.number().int().positive().default(16),
  WORKER_SUBAGENT_SLOTS: z.coerce.number().int().positive().default(8),
  WORKER_HTTP_PORT: port(9_102),
  WORKER_HTTP_HOST: z.string().default('0.0.0.0'),
  WORKER_DRAIN_MS: milliseconds(240_000),
  MOLTBOT_MAX_RUNNING_PER_USER: z.coerce.number().int().positive().default(8),
  PROVIDER_MAX_RETRIES: z.coerce.number().int().min(0).default(4),
  PROVIDER_CONNECT_TIMEOUT_MS: milliseconds(120_000),
  PROVIDER_STALL_MS: milliseconds(120_000),
});

export type LlmWorkerConfig = Readonly<{
  /** For `${NAME}` in moltbot.json and the providers' own variables. */
  env: NodeJS.ProcessEnv;
  redisUrl: string;
  id: string;
  pool: string;
  slots: Readonly<{ main: number; subagent: number }>;
  /** The only worker there is: its slots are the company-wide caps where those are set, live. */
  alone: boolean;
  /** undefined: no server of its own, for a process that serves the probes itself. */
  http: Readonly<{ port: number; host: string }> | undefined;
  drainMs: number;
  maxRunningPerUser: number;
  provider: Readonly<{ maxRetries: number; connectTimeoutMs: number; stallMs: number }>;
}>;

export function readConfig(env: NodeJS.ProcessEnv): LlmWorkerConfig {
  const e = readEnvironment('llm-worker', Env, env);
  return {
    env,
    redisUrl: e.REDIS_URL,
    id: e.WORKER_ID,
    pool: e.WORKER_POOL,
    slots: { main: e.WORKER_SLOTS, subagent: e.WORKER_SUBAGENT_SLOTS },
    alone: false,
    http: { port: e.WORKER_HTTP_PORT, host: e.WORKER_HTTP_HOST },
    drainMs: e.WORKER_DRAIN_MS,
    maxRunningPerUser: e.MOLTBOT_MAX_RUNNING_PER_USER,
    provider: {
      maxRetries: e.PROVIDER_MAX_RETRIES,
      connectTimeoutMs: e.PROVIDER_CONNECT_TIMEOUT_MS,
      stallMs: e.PROVIDER_STALL_MS,
    },
  };
}
