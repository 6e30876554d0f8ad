import type { RawData, WebSocket } from 'ws';
import { RequestFrame } from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';
import type { ClientAddress } from '../domain/client-address.ts';
import type { Services } from '../services.ts';
import type { Connection } from './connection.ts';
import { dispatch, type DispatchEvents } from './dispatch.ts';
import type { Fanout } from './fanout.ts';
import { handshake, type HandshakeDeps, newNonce, type Opening } from './handshake.ts';
import { helloOk } from './hello.ts';
import { createIntake, type AwaitRun } from './intake.ts';
import { healthOf } from './methods/status.ts';
import { presenceOf } from './presence.ts';
import { toWireError } from './wire-error.ts';

export type ServeDeps = Readonly<{
  services: Services;
  fanout: Fanout;
  handshake: Omit<HandshakeDeps, 'onRefused'>;
  events: DispatchEvents &
    Readonly<{
      opened(connection: Connection, result: string, userId?: string): void;
      closed(connection: Connection, code: number): void;
      refused(connection: Connection, reason: string): void;
    }>;
}>;

const HANDSHAKE_TIMEOUT_MS = 10_000;
const TRY_AGAIN_LATER = 1013;

/** One connection's life: the challenge, the handshake, its requests, its end. */
export function serveConnection(
  ws: WebSocket,
  connection: Connection,
  address: ClientAddress,
  deps: ServeDeps,
): void {
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
    if (ws.readyState !== ws.OPEN) return; // it has left meanwhile: nobody would take it off the lists again
    await welcome(connection, opening, deps);
    if (ws.readyState !== ws.OPEN) return; // its close has taken it off the lists
    stage = 'open';
    deps.events.opened(connection, 'ok', opening.peer.principal.userId);
  };
  const failed = (error: unknown): void => {
    deps.events.failed('connect', error);
    connection.close(1011, 'internal error');
  };
  const intake = createIntake(ws, connection, async (frame, awaitRun) => {
    if (ws.readyState === ws.OPEN) await answer(frame, connection, awaitRun, deps).catch(failed);
  });
  ws.on('message', (data) => {
    if (ws.readyState !== ws.OPEN) return; // it was sent away, and what it says until it has gone is not heard
    const frame = parse(data);
    if (stage === 'checking') return; // nobody is known yet, and a client waits for the answer
    if (frame === undefined) return stage === 'waiting' ? connection.close(1000, 'invalid frame') : undefined;
    if (stage === 'open') return intake.take(frame);
    first(frame).catch((error: unknown) => notNow(frame, error, connection) || failed(error));
  });
  ws.on('error', () => undefined); // a frame too large or malformed: ws closes with 1009 or 1002 by itself
  ws.once('close', (code) => {
    clearTimeout(timeout);
    deps.events.closed(connection, code);
    leave(connection, deps);
  });
  connection.challenge(nonce);
}

/** Nothing is wrong with who asks: a client comes back by itself, where a refused credential must not. */
function notNow(frame: unknown, error: unknown, connection: Connection): boolean {
  if (!(error instanceof AppError) || error.code !== 'UNAVAILABLE') return false;
  const request = RequestFrame.safeParse(frame);
  if (request.success) connection.refuse(request.data.id, toWireError(error));
  connection.close(TRY_AGAIN_LATER, error.message);
  return true;
}

async function welcome(connection: Connection, { requestId, peer }: Opening, deps: ServeDeps): Promise<void> {
  connection.accept(peer);
  await deps.fanout.join(peer.principal.userId, connection);
  const health = await healthOf(deps.services, peer.principal);
  connection.respond(requestId, helloOk(deps.services, deps.fanout, connection, peer, health));
  connection.event('health', JSON.stringify(health), { stateVersion: { presence: 0, health: 0 } });
}

async function answer(
  frame: unknown,
  connection: Connection,
  awaitRun: AwaitRun,
  deps: ServeDeps,
): Promise<void> {
  const { services, fanout, events } = deps;
  const peer = connection.peer();
  if (!peer) return;
  const { principal, scopes } = peer;
  await dispatch(frame, { principal, scopes, peer, connection, services, fanout, awaitRun }, events);
}

/** Tells the user's other connections that this one is gone. */
function leave(connection: Connection, { services, fanout }: ServeDeps): void {
  const peer = connection.peer();
  if (!peer) return;
  const { principal, client } = peer;
  fanout.leave(principal.userId, connection);
  if (client.mode === 'cli') return;
  fanout.send(principal.userId, 'presence', { presence: presenceOf(services, fanout, principal) });
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
