import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { clientAddress, type ClientAddress } from '../domain/client-address.ts';
import type { Services } from '../services.ts';
import { type Connection, openConnection, POLICY } from './connection.ts';
import { dispatch, type DispatchEvents } from './dispatch.ts';
import type { Fanout } from './fanout.ts';
import { handshake, type HandshakeDeps, newNonce } from './handshake.ts';
import { helloOk } from './hello.ts';
import { healthOf } from './methods/status.ts';
import { presenceOf } from './presence.ts';

export type WsEvents = DispatchEvents &
  Readonly<{
    opened(connection: Connection, result: string, userId?: string): void;
    closed(connection: Connection, code: number): void;
    refused(connection: Connection, reason: string): void;
  }>;

export type WsDeps = Readonly<{
  services: Services;
  fanout: Fanout;
  handshake: Omit<HandshakeDeps, 'onRefused'>;
  trustedProxies(): readonly string[];
  stillValid(tokenId: string): Promise<boolean>;
  events: WsEvents;
}>;

export type WsServer = AsyncDisposable &
  Readonly<{
    count(): number;
    /** Closes the connections of one token: it was revoked. */
    closeToken(tokenId: string): void;
    /** Closes the connections whose token would not be let in any more. */
    recheck(): Promise<void>;
    /** Tells everybody, then closes with 1012 spread over the time. */
    drain(spreadMs: number): Promise<void>;
  }>;

const HANDSHAKE_TIMEOUT_MS = 10_000;
const RECHECK_INTERVAL_MS = 30_000;

/** The WebSocket door, on any path of the HTTP server. */
export function openWsServer(http: Server, deps: WsDeps): WsServer {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: POLICY.maxPayload,
    perMessageDeflate: false,
    clientTracking: false,
  });
  const live = new Map<Connection, WebSocket>();
  let draining = false;
  http.on('upgrade', (request, socket, head) => {
    if (draining)
      return void socket.end(
        'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n\r\n',
      );
    server.handleUpgrade(request, socket, head, (ws) => {
      const address = clientAddress(
        request.socket.remoteAddress ?? '',
        request.headers,
        deps.trustedProxies(),
      );
      const connection = openConnection(ws, randomUUID(), address.ip);
      live.set(connection, ws);
      ws.once('close', () => live.delete(connection));
      serve(ws, connection, address, deps);
    });
  });
  const closeToken = (tokenId: string): void => {
    for (const connection of live.keys())
      if (connection.peer()?.principal.tokenId === tokenId)
        connection.close(1008, 'unauthorized: token revoked');
  };
  const recheck = async (): Promise<void> => {
    const now = Date.now();
    for (const connection of live.keys())
      if ((connection.peer()?.expiresAtMs ?? Infinity) <= now)
        connection.close(1008, 'unauthorized: token expired');
    const tokenIds = new Set([...live.keys()].map((connection) => connection.peer()?.principal.tokenId));
    for (const tokenId of tokenIds)
      if (tokenId !== undefined && !(await deps.stillValid(tokenId))) closeToken(tokenId);
  };
  const expiry = setInterval(() => void recheck().catch(() => undefined), RECHECK_INTERVAL_MS);
  const tick = setInterval(() => {
    const payload = JSON.stringify({ ts: Date.now() });
    for (const connection of live.keys())
      if (connection.peer()) connection.event('tick', payload, { droppable: true });
  }, POLICY.tickIntervalMs);
  return {
    count: () => live.size,
    closeToken,
    recheck,
    drain: async (spreadMs) => {
      draining = true;
      clearInterval(tick);
      clearInterval(expiry);
      deps.fanout.send(undefined, 'shutdown', { reason: 'gateway restarting', restartExpectedMs: 1_500 });
      const open = [...live.keys()];
      for (const connection of open) {
        connection.close(1012, 'service restart');
        await sleep(spreadMs / open.length);
      }
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(tick);
      clearInterval(expiry);
      for (const ws of live.values()) ws.terminate();
      server.close();
      await Promise.resolve();
    },
  };
}

function serve(ws: WebSocket, connection: Connection, address: ClientAddress, deps: WsDeps): void {
  const nonce = newNonce();
  let stage: 'waiting' | 'checking' | 'open' = 'waiting';
  const timeout = setTimeout(() => connection.close(1000, 'handshake timeout'), HANDSHAKE_TIMEOUT_MS);
  const first = async (frame: unknown): Promise<void> => {
    stage = 'checking';
    const opening = await handshake(frame, nonce, address.local, connection, {
      ...deps.handshake,
      onRefused: deps.events.refused,
    });
    clearTimeout(timeout);
    if (!opening) return deps.events.opened(connection, 'refused');
    const { peer, requestId } = opening;
    connection.accept(peer);
    await deps.fanout.join(peer.principal.userId, connection);
    const health = await healthOf(deps.services, peer.principal);
    connection.respond(requestId, helloOk(deps.services, deps.fanout, connection, peer, health));
    connection.event('health', JSON.stringify(health), { stateVersion: { presence: 0, health: 0 } });
    stage = 'open';
    deps.events.opened(connection, 'ok', peer.principal.userId);
  };
  const next = async (frame: unknown): Promise<void> => {
    const peer = connection.peer();
    if (!peer) return;
    await dispatch(
      frame,
      {
        principal: peer.principal,
        scopes: peer.scopes,
        peer,
        connection,
        services: deps.services,
        fanout: deps.fanout,
      },
      deps.events,
    );
  };
  ws.on('message', (data) => {
    const frame = parse(data);
    if (stage === 'checking') return; // nobody is known yet, and a client waits for the answer
    if (frame === undefined) return stage === 'waiting' ? connection.close(1000, 'invalid frame') : undefined;
    (stage === 'waiting' ? first(frame) : next(frame)).catch((error: unknown) => {
      deps.events.failed('connect', error);
      connection.close(1011, 'internal error');
    });
  });
  ws.on('error', () => undefined); // a frame too large or malformed: ws closes with 1009 or 1002 by itself
  ws.once('close', (code) => {
    clearTimeout(timeout);
    const peer = connection.peer();
    deps.events.closed(connection, code);
    if (!peer) return;
    deps.fanout.leave(peer.principal.userId, connection);
    if (peer.client.mode !== 'cli')
      deps.fanout.send(peer.principal.userId, 'presence', {
        presence: presenceOf(deps.services, deps.fanout, peer.principal),
      });
  });
  connection.challenge(nonce);
}

function parse(data: RawData): unknown {
  try {
    const text = Array.isArray(data)
      ? Buffer.concat(data).toString()
      : data instanceof ArrayBuffer
        ? Buffer.from(data).toString()
        : data.toString();
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
