import { closeRedis, openRedis, type RedisTarget } from './client.ts';

export type Subscriber = AsyncDisposable & {
  subscribe(channel: string, listener: (message: string) => void): Promise<void>;
  unsubscribe(channel: string): Promise<void>;
  /** Called after a lost connection has been restored: messages may have been missed. */
  onResubscribed(listener: () => void): void;
};

const PING_INTERVAL_MS = 5_000;

/** One connection for many channels; one listener a channel. */
export async function openSubscriber(target: RedisTarget): Promise<Subscriber> {
  const redis = await openRedis({ ...target, name: `${target.name}-sub` }, 'background');
  const listeners = new Map<string, (message: string) => void>();
  const resubscribed = new Set<() => void>();
  redis.on('message', (channel: string, message: string) => listeners.get(channel)?.(message));
  let opened = false;
  redis.on('ready', () => {
    if (opened) for (const listener of resubscribed) listener();
  });
  opened = true;
  // @NOTE an idle subscriber never times out by itself (measured), so it must be pinged
  const ping = setInterval(() => void redis.ping().catch(() => undefined), PING_INTERVAL_MS);
  return {
    subscribe: async (channel, listener) => {
      listeners.set(channel, listener);
      await redis.subscribe(channel);
    },
    unsubscribe: async (channel) => {
      listeners.delete(channel);
      await redis.unsubscribe(channel);
    },
    onResubscribed: (listener) => void resubscribed.add(listener),
    [Symbol.asyncDispose]: async () => {
      clearInterval(ping);
      await closeRedis(redis);
    },
  };
}
