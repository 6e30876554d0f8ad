import { hostname } from 'node:os';
import { z } from 'zod';
import { resolveConfigPath } from '@moltbot/config';
import { InternalSecret, milliseconds, readEnvironment, RedisUrl } from '@moltbot/shared/runtime';

const Port = z.coerce.number().int().min(0).max(65_535);

const Env = z.object({
  REDIS_URL: RedisUrl,
  GATEWAY_ID: z.string().min(1).default(`${hostname()}-${process.pid}`),
  MOLTBOT_GATEWAY_PORT: Port.optional(),
  CLAWDBOT_GATEWAY_PORT: Port.optional(),
  OPENCLAW_GATEWAY_PORT: Port.optional(),
  MOLTBOT_GATEWAY_HOST: z.string().min(1).optional(),
  GATEWAY_DRAIN_MS: milliseconds(20_000),
  GATEWAY_MAX_SOCKETS: z.coerce.number().int().positive().default(5_000),
  GATEWAY_POOL: z
    .string()
    .regex(/^[a-z0-9-]+$/)
    .default('default'),
  AUTH_URL: z.url({ protocol: /^https?$/ }).optional(),
  SESSION_STORE_URL: z.url({ protocol: /^https?$/ }).optional(),
  INTERNAL_SECRET: InternalSecret.optional(),
  MOLTBOT_MAX_QUEUED_PER_SESSION: z.coerce.number().int().positive().default(50),
  MOLTBOT_MAX_QUEUED_PER_USER: z.coerce.number().int().positive().default(200),
  MOLTBOT_MAX_QUEUED: z.coerce.number().int().positive().default(20_000),
  MOLTBOT_WEB_DIR: z.string().min(1).optional(),
});

export type GatewayConfig = Readonly<{
  /** For `${NAME}` in moltbot.json and the providers' own variables. */
  env: NodeJS.ProcessEnv;
  redisUrl: string;
  id: string;
  /** undefined: what moltbot.json says. */
  port: number | undefined;
  host: string | undefined;
  drainMs: number;
  /** Open WebSockets of this replica, known or not yet. */
  maxSockets: number;
  pool: string;
  authUrl: string | undefined;
  sessionStoreUrl: string | undefined;
  internalSecret: string | undefined;
  caps: Readonly<{ session: number; user: number; all: number }>;
  webDir: string;
  /** `bind: "auto"` listens everywhere there: loopback would hide the port from its probes. */
  inKubernetes: boolean;
  configPath: string;
  /** Where the log goes when moltbot.json names no file; undefined: to stdout alone. */
  defaultLogFile: string | undefined;
  pid: number;
  /** A process that also runs the workers substitutes provider keys too, and so finds a missing one at start. */
  wholeConfig: boolean;
}>;

const BUILT_PAGE = new URL('../../../packages/web/dist', import.meta.url).pathname;

export function readConfig(env: NodeJS.ProcessEnv): GatewayConfig {
  const e = readEnvironment('gateway', Env, env);
  return {
    env,
    redisUrl: e.REDIS_URL,
    id: e.GATEWAY_ID,
    port: e.MOLTBOT_GATEWAY_PORT ?? e.CLAWDBOT_GATEWAY_PORT ?? e.OPENCLAW_GATEWAY_PORT,
    host: e.MOLTBOT_GATEWAY_HOST,
    drainMs: e.GATEWAY_DRAIN_MS,
    maxSockets: e.GATEWAY_MAX_SOCKETS,
    pool: e.GATEWAY_POOL,
    authUrl: e.AUTH_URL,
    sessionStoreUrl: e.SESSION_STORE_URL,
    internalSecret: e.INTERNAL_SECRET,
    caps: {
      session: e.MOLTBOT_MAX_QUEUED_PER_SESSION,
      user: e.MOLTBOT_MAX_QUEUED_PER_USER,
      all: e.MOLTBOT_MAX_QUEUED,
    },
    webDir: e.MOLTBOT_WEB_DIR ?? BUILT_PAGE,
    configPath: resolveConfigPath(env),
    defaultLogFile: undefined,
    inKubernetes: env['KUBERNETES_SERVICE_HOST'] !== undefined,
    pid: process.pid,
    wholeConfig: false,
  };
}
