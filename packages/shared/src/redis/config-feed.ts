import type { Redis } from 'ioredis';
import { configKeys } from './keys.ts';
import type { Subscriber } from './subscriber.ts';

/** `raw`: the text that `tree` was read from, with its comments; empty where there was no file. */
export type PublishedConfig = Readonly<{ generation: number; hash: string; tree: unknown; raw: string }>;

/** The tree as a gateway last published it; undefined before the first publication. */
export async function readPublishedConfig(redis: Redis): Promise<PublishedConfig | undefined> {
  const [gen, hash, tree, raw] = await redis.hmget(configKeys.tree, 'gen', 'hash', 'tree', 'raw');
  if (!gen || !hash || !tree) return undefined;
  return { generation: Number(gen), hash, tree: JSON.parse(tree) as unknown, raw: raw ?? '' };
}

const POLL_INTERVAL_MS = 2_000;

/**
 * Calls back with every newer generation: at the bell, and by polling in case a bell was lost.
 * What the callback throws goes to `onError`, and the generation counts as heard.
 */
export async function followConfig(
  redis: Redis,
  subscriber: Subscriber,
  onChange: (config: PublishedConfig) => void,
  onError: (error: unknown) => void,
): Promise<AsyncDisposable> {
  let seen = 0;
  const look = async (): Promise<void> => {
    const published = await readPublishedConfig(redis).catch(() => undefined);
    if (!published || published.generation === seen) return;
    seen = published.generation;
    try {
      onChange(published);
    } catch (error) {
      onError(error);
    }
  };
  await subscriber.subscribe(configKeys.bell, () => void look());
  await look();
  const poll = setInterval(() => void look(), POLL_INTERVAL_MS);
  return {
    [Symbol.asyncDispose]: async () => {
      clearInterval(poll);
      await subscriber.unsubscribe(configKeys.bell);
    },
  };
}
