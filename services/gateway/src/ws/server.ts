import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import { WebSocketServer } from 'ws';
import { clientAddress } from '../domain/client-address.ts';
import { openConnection, POLICY } from './connection.ts';
import { createLiveConnections, type LiveConnections } from './live-connections.ts';
import { serveConnection, type ServeDeps } from './serve-connection.ts';

export type WsDeps = ServeDeps &
  Readonly<{
    /** Says of an address whether it is one of the proxies whose headers are believed. */
    trustedProxies: () => (address: string) => boolean;
    stillValid: (tokenId: string) => Promise<boolean>;
    maxSockets: number;
  }>;

export type WsServer = AsyncDisposable &
  Pick<LiveConnections, 'count' | 'closeToken' | 'recheck'> &
  Readonly<{
    /** Lets nobody in any more, tells everybody, and sends them away spread over the time. */
    drain: (spreadMs: number) => Promise<void>;
  }>;

/** While draining, and when there is no room: a load balancer asks the next one. */
const ELSEWHERE = 'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n\r\n';

/** The WebSocket door, on any path of the HTTP server. */
export function openWsServer(http: Server, deps: WsDeps): WsServer {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: POLICY.maxPayload,
    perMessageDeflate: false,
    clientTracking: false,
  });
  const live = createLiveConnections(deps.stillValid);
  let draining = false;
  http.on('upgrade', (request, socket, head) => {
    if (draining || live.count() >= deps.maxSockets) return void socket.end(ELSEWHERE);
    server.handleUpgrade(request, socket, head, (ws) => {
      const peer = request.socket.remoteAddress ?? '';
      const address = clientAddress(peer, request.headers, deps.trustedProxies());
      const connection = openConnection(ws, randomUUID(), address.ip);
      live.add(connection, ws);
      serveConnection(ws, connection, address, deps);
    });
  });
  return {
    count: live.count,
    closeToken: live.closeToken,
    recheck: live.recheck,
    drain: async (spreadMs) => {
      draining = true;
      deps.fanout.send(undefined, 'shutdown', { reason: 'gateway restarting', restartExpectedMs: 1_500 });
      await live.sendAway(spreadMs);
    },
    [Symbol.asyncDispose]: async () => {
      live[Symbol.dispose]();
      server.close();
      await Promise.resolve();
    },
  };
}
