import type { LoggedEvent } from '@moltbot/shared/contracts';
import { userKeys, type Redis, type Subscriber } from '@moltbot/shared/redis';
import { decodeBell, readEvents } from '@moltbot/turns';
import type { Hub, RunListener } from '../domain/ports.ts';
import { createTail, type SessionTail } from './session-tail.ts';

const POLL_INTERVAL_MS = 5_000;
/** A user without listeners stays subscribed for a while, so that single requests do not toggle the subscription. */
const LINGER_MS = 60_000;

type User = {
  sessions: Map<string, SessionTail>;
  all: Set<RunListener>;
  runs: Map<string, Set<RunListener>>;
  subscribed: Promise<void>;
  idleSinceMs: number;
};

/** Follows the event streams of the users that are connected here. The channel is the doorbell, the stream is the truth. */
export function openHub(
  redis: Redis,
  subscriber: Subscriber,
  onError: (error: unknown) => void,
): Hub & AsyncDisposable {
  const users = new Map<string, User>();

  const hear = (user: User, event: LoggedEvent): void => {
    const tail = user.sessions.get(event.sid) ?? addTail(user, event);
    tail.take(event);
  };
  const addTail = (user: User, first: LoggedEvent): SessionTail => {
    const ref = { sid: first.sid, key: first.key };
    const tail = createTail(
      ref,
      async (after) => await readEvents(redis, ref, after),
      (event, view) => {
        for (const listener of user.all) listener(event, view);
        for (const listener of user.runs.get(view.runId) ?? []) listener(event, view);
      },
      onError,
    );
    user.sessions.set(first.sid, tail);
    return tail;
  };
  const userOf = async (uid: string): Promise<User> => {
    let user = users.get(uid);
    if (!user) {
      const made: User = {
        sessions: new Map(),
        all: new Set(),
        runs: new Map(),
        subscribed: Promise.resolve(),
        idleSinceMs: 0,
      };
      made.subscribed = subscriber.subscribe(userKeys.bell(uid), (message) =>
        hear(made, decodeBell(message)),
      );
      made.subscribed.catch(() => users.delete(uid));
      users.set(uid, made);
      user = made;
    }
    await user.subscribed;
    return user;
  };
  const leave = (user: User): void => {
    if (user.all.size === 0 && user.runs.size === 0) user.idleSinceMs = Date.now();
  };
  const tidy = async (): Promise<void> => {
    const now = Date.now();
    for (const [uid, user] of users) {
      for (const [sid, tail] of user.sessions)
        if (tail.restingSince() < now - LINGER_MS) user.sessions.delete(sid);
      const silent = user.all.size === 0 && user.runs.size === 0 && user.idleSinceMs < now - LINGER_MS;
      if (!silent) continue;
      users.delete(uid);
      await subscriber.unsubscribe(userKeys.bell(uid));
    }
  };
  const poll = (): void => {
    for (const user of users.values()) for (const tail of user.sessions.values()) tail.poll();
    void tidy().catch(onError);
  };
  subscriber.onResubscribed(poll);
  const timer = setInterval(poll, POLL_INTERVAL_MS);

  return {
    watchUser: async (uid, listener) => {
      const user = await userOf(uid);
      user.all.add(listener);
      return () => {
        user.all.delete(listener);
        leave(user);
      };
    },
    watchRun: async (uid, runId, listener) => {
      const user = await userOf(uid);
      const listeners = user.runs.get(runId) ?? new Set();
      user.runs.set(runId, listeners.add(listener));
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) user.runs.delete(runId);
        leave(user);
      };
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await Promise.all(
        [...users.keys()].map(async (uid) => await subscriber.unsubscribe(userKeys.bell(uid))),
      );
    },
  };
}
