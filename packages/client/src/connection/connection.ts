import { EventFrame, HelloOk, ResponseFrame } from '@moltbot/shared/contracts';
import type { ClientOptions, SocketConstructor, SocketLike } from '../options.ts';
import { RequestError, refusal } from '../request-error.ts';
import { type Ending, isTerminalClose, TICK_TIMEOUT_CODE } from '../state.ts';
import { ChallengeWait, connectParams } from './handshake.ts';
import { Watchdog } from './watchdog.ts';

const HANDSHAKE_TIMEOUT_MS = 10_000;
const OPEN = 1;
const NO_CLOSE_FRAME = 1006;
const NORMAL = 1000;
const CONNECT_ID = 'connect';

export type ConnectionHandlers = Readonly<{
  hello(hello: HelloOk): void;
  event(frame: EventFrame): void;
  response(frame: ResponseFrame): void;
  /** Called exactly once. */
  ended(ending: Ending): void;
}>;

/** One socket, from opening it to its end. It never comes back; the client makes a new one. */
export class Connection {
  readonly #socket: SocketLike;
  readonly #options: ClientOptions;
  readonly #on: ConnectionHandlers;
  readonly #challenge = new ChallengeWait();
  readonly #handshakeTimer: ReturnType<typeof setTimeout>;
  #watchdog: Watchdog | undefined;
  #refused: RequestError | undefined;
  #networkError: string | undefined;
  #ended = false;

  constructor(options: ClientOptions, Socket: SocketConstructor, on: ConnectionHandlers) {
    this.#options = options;
    this.#on = on;
    this.#socket = new Socket(options.url);
    this.#handshakeTimer = setTimeout(
      () => this.close(NORMAL, 'handshake timeout'),
      options.connectTimeoutMs ?? HANDSHAKE_TIMEOUT_MS,
    );
    this.#socket.addEventListener('open', () => void this.#handshake());
    this.#socket.addEventListener('message', (message) => this.#receive(message.data));
    this.#socket.addEventListener('error', (error) => (this.#networkError ??= networkMessage(error)));
    this.#socket.addEventListener('close', (close) => this.#end(close.code, close.reason));
  }

  send(frame: string): void {
    if (this.#socket.readyState === OPEN) this.#socket.send(frame);
  }

  /** Ends now, without waiting for the other side: it may be long gone. */
  close(code: number, reason: string): void {
    if (this.#ended) return;
    try {
      this.#socket.close(code, reason);
    } catch {
      // A socket that never opened refuses a close code; it is abandoned all the same.
    }
    this.#end(code, reason);
  }

  async #handshake(): Promise<void> {
    try {
      const params = await connectParams(this.#options, await this.#challenge.nonce);
      this.send(JSON.stringify({ type: 'req', id: CONNECT_ID, method: 'connect', params }));
    } catch (error) {
      this.close(NORMAL, `no credentials: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #receive(data: unknown): void {
    if (this.#ended || typeof data !== 'string') return;
    this.#watchdog?.sawFrame();
    const frame = parseFrame(data);
    if (frame?.type === 'event') {
      if (frame.event === 'connect.challenge') this.#challenge.offer(frame);
      else this.#on.event(frame);
    } else if (frame?.type === 'res') {
      if (frame.id === CONNECT_ID) this.#connected(frame);
      else this.#on.response(frame);
    }
  }

  #connected(frame: ResponseFrame): void {
    clearTimeout(this.#handshakeTimer);
    const hello = HelloOk.safeParse(frame.payload);
    if (!frame.ok || !hello.success) {
      this.#refused = frame.ok
        ? new RequestError({ code: 'INVALID_HELLO', message: 'the server sent no usable hello-ok' })
        : refusal(frame.error, frame.payload);
      this.close(NORMAL, this.#refused.message);
      return;
    }
    this.#watchdog = new Watchdog(hello.data.policy.tickIntervalMs, () =>
      this.close(TICK_TIMEOUT_CODE, 'tick timeout'),
    );
    this.#on.hello(hello.data);
  }

  #end(code: number, reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#handshakeTimer);
    this.#challenge.end();
    this.#watchdog?.stop();
    this.#on.ended(this.#ending(code, reason));
  }

  #ending(code: number, reason: string): Ending {
    if (this.#refused) {
      const { message, code: errorCode, retryable, retryAfterMs } = this.#refused;
      const terminal = !retryable && errorCode !== 'UNAVAILABLE';
      return {
        code,
        reason: message,
        errorCode,
        terminal,
        ...(retryAfterMs !== undefined && { retryAfterMs }),
      };
    }
    const said =
      reason || (code === NO_CLOSE_FRAME ? (this.#networkError ?? 'connection lost') : `closed with ${code}`);
    return { code, reason: said, terminal: isTerminalClose(code, reason) };
  }
}

function parseFrame(data: string): EventFrame | ResponseFrame | undefined {
  let raw: unknown;
  try {
    raw = JSON.parse(data);
  } catch {
    return undefined;
  }
  const type = (raw as { type?: unknown } | null)?.type;
  if (type === 'event') return EventFrame.safeParse(raw).data;
  return type === 'res' ? ResponseFrame.safeParse(raw).data : undefined;
}

/** Browsers say nothing on purpose; the `ws` package tells ECONNREFUSED from a bad certificate. */
function networkMessage(event: unknown): string | undefined {
  const { message, error } = (event ?? {}) as {
    message?: unknown;
    error?: { code?: unknown; message?: unknown };
  };
  const text = [error?.message, message, error?.code].find((part) => typeof part === 'string' && part !== '');
  return typeof text === 'string' ? text : undefined;
}
