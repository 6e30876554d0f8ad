import type { WebSocket } from 'ws';
import type { ErrorShape, ResponseFrame, Scope } from '@moltbot/shared/contracts';
import type { Principal } from '../domain/principal.ts';

export const POLICY = { maxPayload: 524_288, maxBufferedBytes: 1_572_864, tickIntervalMs: 30_000 } as const;

/** Who sits at the other end; set once the handshake is through. */
export type Peer = Readonly<{
  principal: Principal;
  scopes: readonly Scope[];
  role: 'operator' | 'node';
  protocol: 3 | 4;
  client: Readonly<{
    id: string;
    mode: string;
    version: string;
    platform: string;
    displayName?: string | undefined;
    instanceId?: string | undefined;
  }>;
  deviceId: string | undefined;
  /** The credential's end, ms; null when it has none. */
  expiresAtMs: number | null;
}>;

export type Connection = Readonly<{
  id: string;
  remoteAddress: string;
  connectedAtMs: number;
  peer(): Peer | undefined;
  accept(peer: Peer): void;
  respond(id: string, payload: unknown): void;
  refuse(id: string, error: ErrorShape, payload?: unknown): void;
  /** Sends an event under this connection's own sequence; false when a droppable one was dropped. */
  event(name: string, payloadJson: string, options?: EventOptions): boolean;
  /** The one event before the handshake, which carries no number. */
  challenge(nonce: string): void;
  close(code: number, reason: string): void;
  buffered(): number;
  /** Canonical keys of the sessions whose stored messages this connection wants. */
  subscriptions: Set<string>;
}>;

export type EventOptions = Readonly<{
  droppable?: boolean;
  stateVersion?: Readonly<{ presence: number; health: number }>;
}>;

const MAX_REASON_BYTES = 120;

/**
 * `seq` counts the frames really sent on this connection: clients warn of every gap. A client
 * that does not read loses droppable frames first and is closed when the rest piles up.
 */
export function openConnection(socket: WebSocket, id: string, remoteAddress: string): Connection {
  let peer: Peer | undefined;
  let seq = 0;
  const close = (code: number, reason: string): void => socket.close(code, cut(reason));
  const send = (text: string): void => {
    if (socket.readyState === socket.OPEN) socket.send(text);
  };
  const answer = (requestId: string, rest: Pick<ResponseFrame, 'ok' | 'payload' | 'error'>): void => {
    const frame: ResponseFrame = { type: 'res', id: requestId, ...rest };
    send(JSON.stringify(frame));
  };
  return {
    id,
    remoteAddress,
    connectedAtMs: Date.now(),
    peer: () => peer,
    accept: (accepted) => {
      peer = accepted;
    },
    respond: (requestId, payload) => answer(requestId, { ok: true, payload }),
    refuse: (requestId, error, payload) =>
      answer(requestId, { ok: false, ...(payload !== undefined && { payload }), error }),
    event: (name, payloadJson, options = {}) => {
      if (socket.bufferedAmount > POLICY.maxBufferedBytes) {
        if (options.droppable !== true) close(1008, 'slow consumer');
        return false;
      }
      seq += 1;
      const version = options.stateVersion ? `,"stateVersion":${JSON.stringify(options.stateVersion)}` : '';
      send(`{"type":"event","event":"${name}","payload":${payloadJson},"seq":${seq}${version}}`);
      return true;
    },
    challenge: (nonce) =>
      send(JSON.stringify({ type: 'event', event: 'connect.challenge', payload: { nonce, ts: Date.now() } })),
    close,
    buffered: () => socket.bufferedAmount,
    subscriptions: new Set(),
  };
}

function cut(reason: string): string {
  let text = reason;
  while (Buffer.byteLength(text) > MAX_REASON_BYTES) text = text.slice(0, -1);
  return text;
}
