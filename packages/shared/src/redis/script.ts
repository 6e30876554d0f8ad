import { ReplyError, type Redis } from 'ioredis';

/** One Lua file: `name` says its version, `sha1` is what Redis caches it under. */
export type Script = Readonly<{ name: string; source: string; sha1: string }>;

export type ScriptArgument = string | number;

/** EVALSHA, and EVAL once after a Redis restart or failover has emptied its script cache. */
export async function runScript(
  redis: Redis,
  script: Script,
  keys: readonly string[],
  args: readonly ScriptArgument[],
): Promise<unknown> {
  const tail = [...keys, ...args];
  try {
    return await redis.evalsha(script.sha1, keys.length, ...tail);
  } catch (error) {
    if (!(error instanceof ReplyError) || !String((error as Error).message).startsWith('NOSCRIPT'))
      throw error;
    return await redis.eval(script.source, keys.length, ...tail);
  }
}
