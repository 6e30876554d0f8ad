import type { RunListener } from '../domain/ports.ts';
import type { Services } from '../services.ts';
import type { Connection } from './connection.ts';
import { createMessageFeed } from './message-feed.ts';
import { createRunFeed } from './run-feed.ts';
import type { Frame } from './run-frames.ts';

export type Fanout = Readonly<{
  join(userId: string, connection: Connection): Promise<void>;
  leave(userId: string, connection: Connection): void;
  /** Sends an event to every connection of one user, or of everybody. */
  send(userId: string | undefined, name: string, payload: unknown): void;
  connections(userId?: string): readonly Connection[];
}>;

/** A turn's own messages and those of one that may have begun meanwhile. */
const NEWEST = 4;

type Group = { members: Set<Connection>; stop: Promise<() => void> };

/** A user's run events go to that user's connections and to nobody else's. */
export function createFanout({ hub, sessions }: Pick<Services, 'hub' | 'sessions'>): Fanout {
  const groups = new Map<string, Group>();
  const forget = (userId: string, group: Group): void => {
    if (groups.get(userId) === group) groups.delete(userId);
  };
  const open = (userId: string): Group => {
    const members = new Set<Connection>();
    const feed = createRunFeed((frame) => deliver(members, frame));
    const stored = createMessageFeed(
      (key) => [...members].some(({ subscriptions }) => subscriptions.has(key)),
      async (key) => await sessions.history({ userId }, key, NEWEST),
      (key, payload) => {
        for (const connection of members)
          if (connection.subscriptions.has(key)) connection.event('session.message', payload);
      },
    );
    const hear: RunListener = (event, view) => {
      feed.tell(event, view);
      stored(event, view);
    };
    const group = { members, stop: hub.watchUser(userId, hear) };
    group.stop.catch(() => forget(userId, group));
    groups.set(userId, group);
    return group;
  };
  return {
    join: async (userId, connection) => {
      const group = groups.get(userId) ?? open(userId);
      group.members.add(connection);
      await group.stop;
    },
    leave: (userId, connection) => {
      const group = groups.get(userId);
      if (!group?.members.delete(connection) || group.members.size > 0) return;
      forget(userId, group);
      group.stop.then((stop) => stop()).catch(() => undefined); // it never began, and `join` has said so
    },
    send: (userId, name, payload) => {
      const json = JSON.stringify(payload);
      const chosen = userId === undefined ? groups.values() : [groups.get(userId)];
      for (const group of chosen) for (const connection of group?.members ?? []) connection.event(name, json);
    },
    connections: (userId) =>
      [...(userId === undefined ? groups.values() : [groups.get(userId)])].flatMap((group) => [
        ...(group?.members ?? []),
      ]),
  };
}

function deliver(members: ReadonlySet<Connection>, { name, payload, droppable, cursor }: Frame): void {
  for (const connection of members) connection.event(name, payload, { droppable, cursor });
}
