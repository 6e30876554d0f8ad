/** A chat's connection to a gateway that is all in here: its frames may be lost, held up and told twice. */
import {
  createRunFeed,
  createRunViews,
  replayOf,
  resumeFrom,
  type RunFeed,
  type RunViews,
} from '@moltbot/gateway';
import { createChat, followSession, type Chat, type MoltbotClient } from '@moltbot/client';
import { readCursor, type EventFrame, type HelloOk } from '@moltbot/shared/contracts';
import type { SeenFrame } from './frames.ts';
import { SESSION, type Step } from './history.ts';

type Listener = (value: never) => void;
type Gateway = Readonly<{ views: RunViews; feed: RunFeed }>;

export type Habits = Readonly<{
  /** Whether the connection loses its n-th frame that may be lost. */
  drops: (n: number) => boolean;
  /** How many events happen between a question after the past and its answer. */
  lag: number;
}>;

export class Wire {
  readonly chat: Chat;
  /** What a program without a chat hears of the session. */
  readonly heard: SeenFrame[] = [];
  /** Connections without a place to go on from; the first is one. */
  restarts = 0;
  readonly sent: string[] = [];
  readonly resumed: boolean[] = [];
  readonly #habits: Habits;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #past: Step[] = [];
  readonly #told: EventFrame[] = [];
  #trimmed = 0;
  #status: MoltbotClient['state']['status'] = 'open';
  #gateway: Gateway;
  #mayBeLost = 0;
  /** Frames that still come through before the connection breaks. */
  #left = Infinity;
  #answers: { dueAt: number; give: () => void }[] = [];

  constructor(habits: Habits) {
    this.#habits = habits;
    this.#gateway = this.#openGateway();
    const client = this.#client();
    this.chat = createChat(client, SESSION.key);
    followSession(client, SESSION.key, {
      frame: (frame) => this.heard.push(frame as SeenFrame),
      resumed: () => undefined,
      restarted: () => void (this.restarts += 1),
    });
  }

  happen(step: Step): void {
    this.#past.push(step);
    this.#tell(step);
    const due = this.#answers.filter(({ dueAt }) => dueAt <= this.#past.length);
    this.#answers = this.#answers.filter((answer) => !due.includes(answer));
    for (const { give } of due) give();
  }

  /** The connection breaks after so many more frames. */
  loseAfter(frames: number): void {
    if (this.#status !== 'open') return;
    this.#left = frames;
    if (frames === 0) this.#lose();
  }

  /** Whatever was asked and is not answered never will be. */
  #lose(): void {
    this.#answers = [];
    this.#gateway = { ...this.#gateway, feed: createRunFeed(() => undefined) };
    this.#say('waiting');
  }

  /** Another gateway, which has been following for a while, and lets the first frames go before its hello. */
  comeBack(early: number): void {
    this.#left = Infinity;
    if (this.#status === 'open') return;
    this.#gateway = this.#openGateway();
    for (const [at, step] of this.#past.entries()) {
      if (at >= this.#past.length - early) this.#tell(step);
      else this.#gateway.views.advance(step.event);
    }
    this.#say('open');
    this.#emit('hello', HELLO);
  }

  /** A replica says again what it said. */
  repeat(count: number): void {
    if (this.#status === 'open') for (const frame of this.#told.slice(-count)) this.#emit('event', frame);
  }

  /** The stream forgets all but the newest events; those of runs that go on it keeps. */
  trim(kept: number): void {
    const events = this.#past.map(({ event: { e } }) => e);
    const ended = new Set(events.flatMap((e) => (e.t === 'end' ? [e.tid] : [])));
    const oldest = events.findIndex((e) => e.t !== 'injected' && !ended.has(e.tid));
    const most = oldest < 0 ? events.length : oldest;
    this.#trimmed = Math.max(this.#trimmed, Math.min(most, events.length - kept));
  }

  answerAll(): void {
    for (const { give } of this.#answers.splice(0)) give();
  }

  #tell({ event }: Step): void {
    const { views, feed } = this.#gateway;
    feed.tell(event.e, views.advance(event));
  }

  #openGateway(): Gateway {
    const feed: RunFeed = createRunFeed(({ name, payload, droppable }) => {
      if (feed !== this.#gateway.feed) return; // of a connection that is gone
      if (this.#left <= 0) return;
      if (droppable && this.#habits.drops((this.#mayBeLost += 1))) return;
      const frame = { type: 'event', event: name, payload: JSON.parse(payload) as unknown } as const;
      this.#told.push(frame);
      this.#emit('event', frame);
      this.#left -= 1;
      if (this.#left === 0) this.#lose();
    });
    return { views: createRunViews(SESSION), feed };
  }

  #client(): MoltbotClient {
    const status = (): MoltbotClient['state'] => ({ status: this.#status, attempt: 0 });
    return {
      get state() {
        return status();
      },
      hello: HELLO,
      request: async (method, params) => (await this.#answer(method, params as Params)) as never,
      on: (name, listener) => {
        const known = this.#listeners.get(name) ?? new Set();
        this.#listeners.set(name, known.add(listener as Listener));
        return () => void known.delete(listener as Listener);
      },
      reconnect: () => undefined,
      close: () => undefined,
    };
  }

  async #answer(method: string, { cursor = '', idempotencyKey = '' }: Params): Promise<unknown> {
    if (method === 'chat.resume') return await this.#resume(cursor);
    if (method === 'chat.history')
      return { sessionId: SESSION.sid, messages: this.#history(), hasMore: false };
    if (!this.sent.includes(idempotencyKey)) this.sent.push(idempotencyKey);
    const ended = this.#past.some(({ event: { e } }) => e.t === 'end' && e.run === idempotencyKey);
    return { runId: idempotencyKey, status: ended ? 'ok' : 'in_flight' };
  }

  async #resume(cursor: string): Promise<unknown> {
    const events = this.#past.slice(this.#trimmed).map(({ event }) => event);
    const stream = replayOf(SESSION, events);
    const after = readCursor(cursor);
    if (!after) throw new Error(`no cursor: ${cursor}`);
    const answer = { sessionKey: SESSION.key, ...resumeFrom(stream, SESSION.sid, after) };
    this.resumed.push(answer.gap);
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.#answers.push({ dueAt: this.#past.length + this.#habits.lag, give: () => resolve(answer) });
    return await promise;
  }

  #history(): unknown[] {
    return this.#past
      .flatMap(({ stored }) => stored)
      .map(({ text, ...rest }, at) => ({
        ...rest,
        seq: at + 1,
        content: text === '' ? [] : [{ type: 'text', text }],
      }));
  }

  #say(status: MoltbotClient['state']['status']): void {
    this.#status = status;
    this.#emit('state', { status, attempt: 0 });
  }

  #emit(name: string, value: unknown): void {
    for (const listener of this.#listeners.get(name) ?? []) listener(value as never);
  }
}

type Params = Readonly<{ cursor?: string; idempotencyKey?: string }>;

const HELLO: HelloOk = {
  type: 'hello-ok',
  protocol: 4,
  server: { version: '0', connId: 'c' },
  features: { methods: ['chat.resume'], events: ['chat', 'agent'] },
  snapshot: {},
  policy: { maxPayload: 524_288, maxBufferedBytes: 1_572_864, tickIntervalMs: 30_000 },
};
