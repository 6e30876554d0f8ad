import { z } from 'zod';
import { InternalSecret, port, readEnvironment, RedisUrl } from '@moltbot/shared/runtime';

const Env = z.object({
  REDIS_URL: RedisUrl,
  AUTH_PORT: port(9_101),
  AUTH_HOST: z.string().default('0.0.0.0'),
  INTERNAL_SECRET: InternalSecret,
});

export type AuthConfig = Readonly<{
  redisUrl: string;
  http: Readonly<{ port: number; host: string }>;
  internalSecret: string;
}>;

export function readConfig(env: NodeJS.ProcessEnv): AuthConfig {
  const e = readEnvironment('auth', Env, env);
  return {
    redisUrl: e.REDIS_URL,
    http: { port: e.AUTH_PORT, host: e.AUTH_HOST },
    internalSecret: e.INTERNAL_SECRET,
  };
}
