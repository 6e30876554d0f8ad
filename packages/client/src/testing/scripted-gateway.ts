import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { RequestFrame } from '@moltbot/shared/contracts';
import { type WebSocket, WebSocketServer } from 'ws';

/** Throw a Refusal to answer `ok: false`. */
export type Method = (params: Record<string, unknown>, peer: Peer) => unknown;

export class Refusal extends Error {
  readonly error: Readonly<{
    code: string;
    message: string;
    retryable?: boolean;
    retryAfterMs?: number;
    details?: unknown;
  }>;

  readonly payload: unknown;

  constructor(error: Refusal['error'], payload?: unknown) {
    super(error.message);
    this.error = error;
    this.payload = payload;
  }
}

/** Two responses on one id, as `agent` gives. */
export class Twice {
  readonly accepted: unknown;
  readonly final: unknown;

  constructor(accepted: unknown, final: unknown) {
    this.accepted = accepted;
    this.final = final;
  }
}

export type Peer = {
  readonly connect: Record<string, unknown>;
  event(event: string, payload?: unknown, seq?: number): void;
  close(code: number, reason?: string): void;
};

export type ScriptedGateway = AsyncDisposable & {
  readonly url: string;
  readonly peers: readonly Peer[];
  /** Every request after `connect`, in the order it came. */
  readonly requests: readonly Readonly<{ method: string; params: unknown }>[];
  readonly methods: Record<string, Method>;
  broadcast(event: string, payload?: unknown): void;
};

export type ScriptOptions = Readonly<{
  methods?: Record<string, Method>;
  /** Throws a Refusal to refuse the handshake. */
  authorize?: (connect: Record<string, unknown>) => void;
  challenge?: boolean;
  tickIntervalMs?: number;
  maxPayload?: number;
  features?: readonly string[];
  sessionDefaults?: Record<string, unknown>;
}>;

const NONCE = '7d1f0a52-9d3e-4d5a-9a3c-0d9b9d1c5a11';
const MAIN = {
  defaultAgentId: 'main',
  mainKey: 'main',
  mainSessionKey: 'agent:main:main',
  scope: 'per-sender',
};

/** A gateway that says what a test tells it to, on a real port with real frames. */
export async function startScriptedGateway(options: ScriptOptions = {}): Promise<ScriptedGateway> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const peers: Peer[] = [];
  const requests: { method: string; params: unknown }[] = [];
  const methods = { ...options.methods };
  server.on('connection', (socket) => {
    if (options.challenge !== false)
      send(socket, { type: 'event', event: 'connect.challenge', payload: { nonce: NONCE, ts: Date.now() } });
    let peer: Peer | undefined;
    socket.on('message', (data: Buffer) => {
      const frame = RequestFrame.parse(JSON.parse(data.toString('utf8')));
      const params = (frame.params ?? {}) as Record<string, unknown>;
      if (peer) {
        requests.push({ method: frame.method, params });
        void answer(socket, frame.id, () => call(methods, frame.method, params, peer as Peer));
        return;
      }
      void answer(socket, frame.id, () => {
        options.authorize?.(params);
        peer = makePeer(socket, params);
        peers.push(peer);
        return hello(options);
      });
    });
    socket.on('close', () => {
      if (peer) peers.splice(peers.indexOf(peer), 1);
    });
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `ws://127.0.0.1:${port}`,
    peers,
    requests,
    methods,
    broadcast: (event, payload) => peers.forEach((peer) => peer.event(event, payload)),
    [Symbol.asyncDispose]: async () => {
      for (const socket of server.clients) socket.terminate();
      server.close();
      await once(server, 'close');
    },
  };
}

function call(
  methods: Record<string, Method>,
  name: string,
  params: Record<string, unknown>,
  peer: Peer,
): unknown {
  const method = methods[name];
  if (!method) throw new Refusal({ code: 'INVALID_REQUEST', message: `unknown method: ${name}` });
  return method(params, peer);
}

async function answer(socket: WebSocket, id: string, run: () => unknown): Promise<void> {
  try {
    const payload = await run();
    if (payload instanceof Twice) {
      send(socket, { type: 'res', id, ok: true, payload: payload.accepted });
      send(socket, { type: 'res', id, ok: true, payload: payload.final });
    } else send(socket, { type: 'res', id, ok: true, payload });
  } catch (error) {
    const said = error instanceof Refusal ? error.error : { code: 'UNAVAILABLE', message: String(error) };
    const payload = error instanceof Refusal ? error.payload : undefined;
    send(socket, { type: 'res', id, ok: false, error: said, payload });
    if (id === 'connect') socket.close(1008, said.message);
  }
}

function makePeer(socket: WebSocket, connect: Record<string, unknown>): Peer {
  let seq = 0;
  return {
    connect,
    event: (event, payload, at) =>
      send(socket, { type: 'event', event, payload, seq: (seq = at ?? seq + 1) }),
    close: (code, reason) => socket.close(code, reason),
  };
}

function hello(options: ScriptOptions): unknown {
  return {
    type: 'hello-ok',
    protocol: 4,
    server: { version: '0.0.0-test', connId: crypto.randomUUID() },
    features: { methods: options.features ?? [], events: ['chat', 'agent', 'tick'] },
    snapshot: { sessionDefaults: options.sessionDefaults ?? MAIN },
    policy: {
      maxPayload: options.maxPayload ?? 524_288,
      maxBufferedBytes: 1_572_864,
      tickIntervalMs: options.tickIntervalMs ?? 30_000,
    },
  };
}

function send(socket: WebSocket, frame: unknown): void {
  if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(frame));
}
