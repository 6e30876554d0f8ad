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
/** A host that was away for longer counts as a new one. */
const FILE_KEPT_SECONDS = 30 * 24 * 60 * 60;

/** Where a configuration file is: what one host's file said last is remembered under it. */
export type FilePlace = Readonly<{ host: string; path: string }>;

/** What a configuration is published for; see config-publish-1. */
export type PublishReason = 'start' | 'edit' | 'write';

/** The configuration as every service hears it: one unsubstituted tree in Redis, numbered by generation. */
export type ConfigPublication = AsyncDisposable &
  Readonly<{
    /** Makes a configuration everybody's; without Redis as soon as it is back. */
    publish: (snapshot: ConfigSnapshot, reason: PublishReason) => Promise<void>;
  }>;

export type PublicationEvents = Readonly<{
  /** Every generation, this gateway's own ones too. */
  onPublished(published: PublishedConfig): void;
  onError(error: unknown): void;
}>;

/** A gateway's file says this now, and somebody else has published it. */
export async function rememberFile(redis: Redis, { host, path }: FilePlace, hash: string): Promise<void> {
  await redis.set(configKeys.file(host, path), hash, 'EX', FILE_KEPT_SECONDS);
}

/** Publishes `current` now if that is anything new, and again when a Redis has lost it. */
export async function openConfigPublication(
  redis: Redis,
  subscriber: Subscriber,
  place: FilePlace,
  current: () => ConfigSnapshot,
  { onPublished, onError }: PublicationEvents,
): Promise<ConfigPublication> {
  const fileKey = configKeys.file(place.host, place.path);
  const run = async ({ hash, parsed, raw }: ConfigSnapshot, reason: string): Promise<void> => {
    const args = [hash, JSON.stringify(parsed), raw ?? '', configKeys.bell, place.path, FILE_KEPT_SECONDS];
    await runScript(redis, configPublish1, [configKeys.tree, fileKey], [...args, reason]);
  };
  let unsaid: Readonly<{ snapshot: ConfigSnapshot; reason: PublishReason }> | undefined;
  const publish: ConfigPublication['publish'] = async (snapshot, reason) => {
    const saying = { snapshot, reason };
    unsaid = saying;
    await run(snapshot, reason);
    if (unsaid === saying) unsaid = undefined;
  };
  const repeat = async (): Promise<void> => {
    if (unsaid === undefined) return await run(current(), 'fill');
    await publish(unsaid.snapshot, unsaid.reason);
  };
  await publish(current(), 'start');
  const feed = await followConfig(redis, subscriber, onPublished, onError);
  const timer = setInterval(() => void repeat().catch(() => undefined), REPUBLISH_INTERVAL_MS);
  return {
    publish: async (snapshot, reason) => await publish(snapshot, reason).catch(onError),
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await feed[Symbol.asyncDispose]();
    },
  };
}
