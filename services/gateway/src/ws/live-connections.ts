import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { type Connection, POLICY } from './connection.ts';

const RECHECK_INTERVAL_MS = 30_000;

/** The open connections of this replica: kept alive, and let stay only while their tokens are valid. */
export type LiveConnections = Disposable &
  Readonly<{
    add: (connection: Connection, socket: WebSocket) => void;
    count: () => number;
    /** Closes the connections of one token: it was revoked. */
    closeToken: (tokenId: string) => void;
    /** Closes the connections whose token would not be let in any more. */
    recheck: () => Promise<void>;
    /** Closes all with 1012, spread over the time so that they do not come back all at once. */
    sendAway: (spreadMs: number) => Promise<void>;
  }>;

export function createLiveConnections(stillValid: (tokenId: string) => Promise<boolean>): LiveConnections {
  const live = new Map<Connection, WebSocket>();
  const tokenOf = (connection: Connection): string | undefined => connection.peer()?.principal.tokenId;
  const closeToken = (tokenId: string): void => {
    for (const connection of live.keys())
      if (tokenOf(connection) === tokenId) connection.close(1008, 'unauthorized: token revoked');
  };
  const recheck = async (): Promise<void> => {
    const now = Date.now();
    for (const connection of live.keys())
      if ((connection.peer()?.expiresAtMs ?? Infinity) <= now)
        connection.close(1008, 'unauthorized: token expired');
    for (const tokenId of new Set([...live.keys()].map(tokenOf)))
      if (tokenId !== undefined && !(await stillValid(tokenId))) closeToken(tokenId);
  };
  const tick = (): void => {
    const payload = JSON.stringify({ ts: Date.now() });
    for (const connection of live.keys())
      if (connection.peer()) connection.event('tick', payload, { droppable: true });
  };
  const timers = [
    setInterval(() => void recheck().catch(() => undefined), RECHECK_INTERVAL_MS),
    setInterval(tick, POLICY.tickIntervalMs),
  ];
  return {
    add: (connection, socket) => {
      live.set(connection, socket);
      socket.once('close', () => live.delete(connection));
    },
    count: () => live.size,
    closeToken,
    recheck,
    sendAway: async (spreadMs) => {
      for (const timer of timers) clearInterval(timer);
      const open = [...live.keys()];
      for (const connection of open) {
        connection.close(1012, 'service restart');
        await sleep(spreadMs / open.length);
      }
    },
    [Symbol.dispose]: () => {
      for (const timer of timers) clearInterval(timer);
      for (const socket of live.values()) socket.terminate();
    },
  };
}
