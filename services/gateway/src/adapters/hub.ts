import { setTimeout as sleep } from 'node:timers/promises';
import { userKeys, type Durability, type Redis, type Subscriber } from '@moltbot/shared/redis';
import { decodeBell, readEvents, readNewest } from '@moltbot/turns';
import type { Hub, Replay } from '../domain/ports.ts';
import { createRounds } from './rounds.ts';
import { longReplayOf } from './run-views.ts';
import { createUserFeed, type UserFeed } from './user-feed.ts';

const POLL_INTERVAL_MS = 5_000;
/** A user without listeners stays subscribed for a while, so that single requests do not toggle the subscription. */
const LINGER_MS = 60_000;

type ReadSession = (
  session: Readonly<{ sid: string; key: string }>,
  after: string,
) => ReturnType<typeof readEvents>;

export type HubDeps = Readonly<{ redis: Redis; subscriber: Subscriber; durability: Durability }>;

type User = Readonly<{ feed: UserFeed; subscribed: Promise<void> }>;

/** Follows the event streams of the users that are connected here. The channel is the doorbell, the stream is the truth. */
export function openHub(
  { redis, subscriber, durability }: HubDeps,
  onError: (error: unknown) => void,
): Hub & AsyncDisposable {
  const { read, ...looks } = looksAt(redis, durability);
  const users = new Map<string, User>();

  const open = (uid: string): User => {
    const feed = createUserFeed(
      (session) => async (after) => await again(async () => await read(session, after)),
      onError,
      durability.replicas > 0,
    );
    const bell = userKeys.bell(uid);
    const user = {
      feed,
      subscribed: subscriber.subscribe(bell, (message) => feed.hear(decodeBell(message))),
    };
    user.subscribed.catch(() => users.delete(uid));
    users.set(uid, user);
    return user;
  };
  const feedOf = async (uid: string): Promise<UserFeed> => {
    const user = users.get(uid) ?? open(uid);
    await user.subscribed;
    return user.feed;
  };
  const tidy = async (): Promise<void> => {
    const sinceMs = Date.now() - LINGER_MS;
    for (const [uid, { feed }] of users) {
      feed.tidy(sinceMs);
      if (feed.silentSince() >= sinceMs) continue;
      users.delete(uid);
      await subscriber.unsubscribe(userKeys.bell(uid));
    }
  };
  const poll = (always = false): void => {
    for (const { feed } of users.values()) feed.poll(always);
    void tidy().catch(onError);
  };
  subscriber.onResubscribed(() => poll(true));
  const timer = setInterval(() => poll(), POLL_INTERVAL_MS);

  return {
    watchUser: async (uid, listener) => (await feedOf(uid)).watchAll(listener),
    watchRun: async (uid, runId, listener, key) => (await feedOf(uid)).watchRun(runId, listener, key),
    ...looks,
    expect: (uid, session, turnId) => users.get(uid)?.feed.expect(session, turnId),
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await Promise.all(
        [...users.keys()].map(async (uid) => await subscriber.unsubscribe(userKeys.bell(uid))),
      );
    },
  };
}

/** What the streams say, once a failover cannot take it back. */
function looksAt(
  redis: Redis,
  durability: Durability,
): Pick<Hub, 'replay' | 'newest'> & Readonly<{ read: ReadSession }> {
  const replayed = createRounds<Replay>();
  const read: ReadSession = async (session, after) =>
    await durability.settle(redis, async () => await readEvents(redis, session, after));
  return {
    read,
    replay: async (session) =>
      await replayed(`${session.sid} ${session.key}`, async () =>
        longReplayOf(session, (await read(session, '')).events),
      ),
    newest: async (sid) => await durability.settle(redis, async () => await readNewest(redis, sid)),
  };
}

const TRIES = 3;
const AGAIN_MS = 200;

/** The primary may change during a read; what a run's listeners wait for is worth another one at once. */
async function again<T>(read: () => Promise<T>, tries = TRIES): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (tries <= 1) throw error;
    await sleep(AGAIN_MS);
    return await again(read, tries - 1);
  }
}
