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
  /** So much waits to be sent that nothing more should be asked for it. */
  congested(): boolean;
  /** Is told whenever something has been sent. */
  onSent(listener: () => void): void;
  /** Canonical keys of the sessions whose stored messages this connection wants. */
  subscriptions: Set<string>;
}>;

export type EventOptions = Readonly<{
  droppable?: boolean;
  stateVersion?: Readonly<{ presence: number; health: number }>;
  /** Where the event leaves whoever has it. */
  cursor?: string;
}>;

/** `try again later`: 1008 would say that the client is not wanted. */
const SLOW = { code: 1013, reason: 'slow consumer' } as const;
const MAX_REASON_BYTES = 120;

/** What may wait of a client's answers, the last one aside: it asked for them, so they are larger than the events. */
const MOST_ANSWER_BYTES = 16_777_216;
/** A client whose buffer has been full for this long is closed at the next event, a tick at the latest. */
const MOST_FULL_MS = 60_000;

/**
 * `seq` counts the frames really sent on this connection: clients warn of every gap. A client
 * that does not read loses droppable frames first and is closed when the rest piles up; the reason
 * names the last cursor it was sent, from where `chat.resume` goes on.
 */
export function openConnection(socket: WebSocket, id: string, remoteAddress: string): Connection {
  let peer: Peer | undefined;
  let seq = 0;
  let cursor = '';
  const close = (code: number, reason: string): void => {
    socket.close(code, cut(reason));
    socket.resume(); // the other side's own close is still to be read
  };
  const tooSlow = (): void =>
    close(SLOW.code, cursor === '' ? SLOW.reason : `${SLOW.reason}; cursor=${cursor}`);
  const line = openLine(socket);
  const answer = (requestId: string, rest: Pick<ResponseFrame, 'ok' | 'payload' | 'error'>): void => {
    if (line.answerBytes() > MOST_ANSWER_BYTES) return tooSlow();
    const frame: ResponseFrame = { type: 'res', id: requestId, ...rest };
    line.answer(JSON.stringify(frame));
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
      if (line.eventBytes() > POLICY.maxBufferedBytes || line.fullMs() > MOST_FULL_MS) {
        if (options.droppable !== true || line.fullMs() > MOST_FULL_MS) tooSlow();
        return false;
      }
      seq += 1;
      if (socket.readyState === socket.OPEN) cursor = options.cursor ?? cursor;
      const version = options.stateVersion ? `,"stateVersion":${JSON.stringify(options.stateVersion)}` : '';
      line.send(`{"type":"event","event":"${name}","payload":${payloadJson},"seq":${seq}${version}}`);
      return true;
    },
    challenge: (nonce) =>
      line.send(
        JSON.stringify({ type: 'event', event: 'connect.challenge', payload: { nonce, ts: Date.now() } }),
      ),
    close,
    congested: line.full,
    onSent: line.onSent,
    subscriptions: new Set(),
  };
}

type Line = Readonly<{
  send(text: string): void;
  answer(text: string): void;
  /** What waits to be sent, answers and the rest apart: a long history must not count as a flood of events. */
  answerBytes(): number;
  eventBytes(): number;
  full(): boolean;
  fullMs(): number;
  onSent(listener: () => void): void;
}>;

function openLine(socket: WebSocket): Line {
  let answerBytes = 0;
  let fullSinceMs: number | undefined;
  let heard: (() => void) | undefined;
  const full = (): boolean => socket.bufferedAmount > POLICY.maxBufferedBytes;
  const sent = (): void => {
    fullSinceMs = full() ? Date.now() : undefined; // it reads, if slowly
    heard?.();
  };
  const send = (text: string, after = sent): void => {
    if (socket.readyState === socket.OPEN) socket.send(text, after);
    if (full()) fullSinceMs ??= Date.now();
  };
  return {
    send: (text) => send(text),
    answer: (text) => {
      const bytes = Buffer.byteLength(text);
      answerBytes += bytes;
      send(text, () => {
        answerBytes -= bytes;
        sent();
      });
    },
    // what the kernel took at once is sent, though its callback comes later
    answerBytes: () => Math.min(answerBytes, socket.bufferedAmount),
    eventBytes: () => socket.bufferedAmount - answerBytes,
    full,
    fullMs: () => (fullSinceMs === undefined ? 0 : Date.now() - fullSinceMs),
    onSent: (listener) => {
      heard = listener;
    },
  };
}

function cut(reason: string): string {
  let text = reason;
  while (Buffer.byteLength(text) > MAX_REASON_BYTES) text = text.slice(0, -1);
  return text;
}
