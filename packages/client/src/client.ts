import type { EventFrame, HelloOk } from '@moltbot/shared/contracts';
import { retryDelayMs } from './backoff.ts';
import { Connection } from './connection/connection.ts';
import { type RequestOptions, Requests } from './connection/requests.ts';
import { Emitter } from './emitter.ts';
import type { ClientOptions, SocketConstructor } from './options.ts';
import { LOCAL_CODES, RequestError } from './request-error.ts';
import type { ClientState, Ending } from './state.ts';

/** Frames the server did not send us because we were slow, or that a proxy lost. */
export type SeqGap = Readonly<{ expected: number; received: number }>;
type Events = { event: EventFrame; state: ClientState; hello: HelloOk; gap: SeqGap };

export type MoltbotClient = {
  readonly state: ClientState;
  /** Of the current connection, or of the last one. */
  readonly hello: HelloOk | undefined;
  /** Waits for the connection if there is none yet. Rejects with RequestError. */
  request<T = unknown>(method: string, params?: unknown, options?: RequestOptions): Promise<T>;
  /**
   * Listeners hear in the order they were added, and everything in the order it came: the state
   * `open`, then `hello`, then what follows on that connection; a `gap` before the event behind it.
   */
  on<K extends keyof Events>(event: K, listener: (value: Events[K]) => void): () => void;
  /** Tries at once: the network is back, or the user pressed the button. Also revives a closed client. */
  reconnect(): void;
  close(): void;
};

const NORMAL = 1000;

class Client implements MoltbotClient {
  readonly #options: ClientOptions;
  readonly #Socket: SocketConstructor;
  readonly #emitter = new Emitter<Events>();
  readonly #requests = new Requests();
  #state: ClientState = { status: 'connecting', attempt: 0 };
  #hello: HelloOk | undefined;
  #connection: Connection | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #lastSeq: number | undefined;
  /** When a server that went away wants to be back, ms. */
  #backAtMs = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#Socket = options.WebSocket ?? globalThis.WebSocket;
    this.#connect();
  }

  get state(): ClientState {
    return this.#state;
  }

  get hello(): HelloOk | undefined {
    return this.#hello;
  }

  request<T>(method: string, params?: unknown, options: RequestOptions = {}): Promise<T> {
    if (this.#state.status === 'closed') {
      const message = this.#state.reason ?? 'the client is closed';
      return Promise.reject(new RequestError({ code: LOCAL_CODES.closed, message }));
    }
    const { answer } = this.#requests.add<T>(method, params, options);
    this.#flush();
    return answer;
  }

  on<K extends keyof Events>(event: K, listener: (value: Events[K]) => void): () => void {
    return this.#emitter.on(event, listener);
  }

  reconnect(): void {
    if (this.#state.status !== 'waiting' && this.#state.status !== 'closed') return;
    clearTimeout(this.#retryTimer);
    this.#connect();
  }

  close(): void {
    clearTimeout(this.#retryTimer);
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.close(NORMAL, 'closed by the client');
    if (this.#state.status !== 'closed')
      this.#finish({ code: NORMAL, reason: 'closed by the client', terminal: true });
  }

  #connect(): void {
    this.#setState({ status: 'connecting', attempt: this.#state.attempt });
    this.#lastSeq = undefined;
    const connection: Connection = new Connection(this.#options, this.#Socket, {
      hello: (hello) => this.#opened(hello),
      event: (frame) => this.#received(frame),
      response: (frame) => this.#requests.answer(frame),
      ended: (ending) => connection === this.#connection && this.#lost(ending),
    });
    this.#connection = connection;
  }

  #opened(hello: HelloOk): void {
    this.#hello = hello;
    this.#setState({ status: 'open', attempt: 0 });
    this.#emitter.emit('hello', hello);
    this.#flush();
  }

  #received(frame: EventFrame): void {
    const expected = this.#lastSeq === undefined ? undefined : this.#lastSeq + 1;
    if (frame.seq !== undefined) {
      this.#lastSeq = frame.seq;
      if (expected !== undefined && frame.seq !== expected) {
        this.#emitter.emit('gap', { expected, received: frame.seq });
      }
    }
    if (frame.event === 'shutdown') this.#backAtMs = Date.now() + restartMs(frame.payload);
    this.#emitter.emit('event', frame);
  }

  #lost(ending: Ending): void {
    this.#connection = undefined;
    if (ending.terminal || this.#options.reconnect === false) return this.#finish(ending);
    this.#requests.lose(ending.reason, false);
    const { attempt } = this.#state;
    const delayMs = retryDelayMs(attempt, {
      retryAfterMs: ending.retryAfterMs,
      backInMs: this.#backAtMs - Date.now(),
    });
    this.#retryTimer = setTimeout(() => this.#connect(), delayMs); // first: a listener may close the client
    this.#setState({
      status: 'waiting',
      attempt: attempt + 1,
      reason: ending.reason,
      closeCode: ending.code,
      ...(ending.errorCode !== undefined && { errorCode: ending.errorCode }),
      retryAtMs: Date.now() + delayMs,
    });
  }

  #finish(ending: Ending): void {
    this.#setState({
      status: 'closed',
      attempt: this.#state.attempt,
      reason: ending.reason,
      closeCode: ending.code,
      ...(ending.errorCode !== undefined && { errorCode: ending.errorCode }),
    });
    this.#requests.lose(ending.reason, true);
  }

  #flush(): void {
    if (this.#state.status !== 'open' || !this.#connection || !this.#hello) return;
    const connection = this.#connection;
    this.#requests.flush((frame) => connection.send(frame), this.#hello.policy.maxPayload);
  }

  #setState(state: ClientState): void {
    this.#state = state;
    this.#emitter.emit('state', state);
  }
}

function restartMs(payload: unknown): number {
  const { restartExpectedMs } = (payload ?? {}) as { restartExpectedMs?: unknown };
  return typeof restartExpectedMs === 'number' ? restartExpectedMs : 0;
}

export function createClient(options: ClientOptions): MoltbotClient {
  return new Client(options);
}
