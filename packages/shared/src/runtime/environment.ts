import { z } from 'zod';

/** Reads a service's environment; every fault is reported at once, by its variable's name. */
export function readEnvironment<T extends z.ZodType>(
  service: string,
  schema: T,
  env: NodeJS.ProcessEnv,
): z.infer<T> {
  const parsed = schema.safeParse(env);
  if (parsed.success) return parsed.data;
  throw new Error(
    `${service} cannot start, its environment is not usable:\n${z.prettifyError(parsed.error)}`,
  );
}

export const port = (fallback: number): z.ZodType<number> =>
  z.coerce.number().int().min(0).max(65_535).default(fallback);
export const milliseconds = (fallback: number): z.ZodType<number> =>
  z.coerce.number().int().min(0).default(fallback);
export const RedisUrl = z
  .string()
  .regex(
    /^(rediss?(\+sentinel)?|unix):\/\//,
    'redis://host:port, rediss://…, redis+sentinel://host:port,host:port/<master name> or unix:///path',
  );
export const InternalSecret = z
  .string()
  .min(32, 'at least 32 characters, the same for all services of one installation');
