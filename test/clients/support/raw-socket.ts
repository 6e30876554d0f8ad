/** A WebSocket with nothing of ours in it: frames as a stranger would write and read them. */
import { once } from 'node:events';
import { WebSocket } from 'ws';

export type Frame = Readonly<{
  type: string;
  id?: string;
  ok?: boolean;
  event?: string;
  seq?: number;
  payload?: unknown;
  error?: Readonly<{ code: string; message: string; details?: unknown }>;
}>;
export type Closing = Readonly<{ code: number; reason: string }>;

const PATIENCE_MS = 20_000;

export class RawSocket implements AsyncDisposable {
  readonly frames: Frame[] = [];
  readonly closed: Promise<Closing>;
  readonly #socket: WebSocket;
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      this.frames.push(JSON.parse(data.toString()) as Frame);
      socket.emit('frame');
    });
    socket.on('error', () => undefined); // what matters is the close that follows
    this.closed = once(socket, 'close').then(([code, reason]: unknown[]) => ({
      code: Number(code),
      reason: String(reason),
    }));
  }

  /** Opens a connection and waits for the challenge, the one frame that comes unasked. */
  static async open(url: string): Promise<RawSocket> {
    const raw = new RawSocket(new WebSocket(url));
    await raw.until((frame) => frame.event === 'connect.challenge');
    return raw;
  }

  get nonce(): string {
    const { payload } = this.frames[0] ?? {};
    return (payload as { nonce: string }).nonce;
  }

  send(frame: unknown): void {
    this.#socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  async request(method: string, params?: unknown): Promise<Frame> {
    const id = `r${++this.#lastId}`;
    this.send({ type: 'req', id, method, ...(params !== undefined && { params }) });
    return this.response(id);
  }

  response(id: string): Promise<Frame> {
    return this.until((frame) => frame.type === 'res' && frame.id === id);
  }

  /** The first frame that fits, among those received and those to come. */
  async until(fits: (frame: Frame) => boolean): Promise<Frame> {
    const deadline = AbortSignal.timeout(PATIENCE_MS);
    for (;;) {
      const found = this.frames.find(fits);
      if (found) return found;
      const gone = this.closed.then(({ code, reason }) => {
        throw new Error(`closed with ${code} "${reason}" while a frame was awaited`);
      });
      await Promise.race([once(this.#socket, 'frame', { signal: deadline }), gone]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.closed;
  }
}

const CONNECT = {
  minProtocol: 3,
  maxProtocol: 3,
  client: { id: 'test', version: '1', platform: 'linux', mode: 'test' },
};

export function connectParams(token: string, changes: object = {}): object {
  return { ...CONNECT, auth: { token }, ...changes };
}

/** A connection that is past its handshake. */
export async function connected(url: string, params: object): Promise<RawSocket> {
  const raw = await RawSocket.open(url);
  const hello = await raw.request('connect', params);
  if (hello.ok !== true) throw new Error(`refused: ${JSON.stringify(hello.error)}`);
  return raw;
}
