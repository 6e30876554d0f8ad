import type { ConfigSnapshot } from '@moltbot/shared/contracts';
import {
  configKeys,
  followConfig,
  runScript,
  type PublishedConfig,
  type Redis,
  type Subscriber,
} from '@moltbot/shared/redis';
import { configPublish1 } from './scripts.gen.ts';

const REPUBLISH_INTERVAL_MS = 10_000;

/** The configuration as every service hears it: one unsubstituted tree in Redis, numbered by generation. */
export type ConfigPublication = AsyncDisposable &
  Readonly<{
    /** Makes the current configuration everybody's. */
    publish: () => Promise<void>;
  }>;

/**
 * Publishes `current` now, and again when a Redis has lost it. `onPublished` hears every
 * generation, this gateway's own ones too.
 */
export async function openConfigPublication(
  redis: Redis,
  subscriber: Subscriber,
  current: () => ConfigSnapshot,
  onPublished: (published: PublishedConfig) => void,
  onError: (error: unknown) => void,
): Promise<ConfigPublication> {
  let generation = 0;
  const publish = async (known: string): Promise<void> => {
    const { hash, parsed } = current();
    const args = [hash, JSON.stringify(parsed), configKeys.bell, known];
    generation = Number(await runScript(redis, configPublish1, [configKeys.tree], args));
  };
  await publish('');
  const hear = (published: PublishedConfig): void => {
    generation = published.generation;
    onPublished(published);
  };
  const feed = await followConfig(redis, subscriber, hear, onError);
  const timer = setInterval(
    () => void publish(String(generation)).catch(() => undefined),
    REPUBLISH_INTERVAL_MS,
  );
  return {
    publish: async () => await publish(''),
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await feed[Symbol.asyncDispose]();
    },
  };
}
