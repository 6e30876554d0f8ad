/** The product with a provider that can be watched, and somebody who talks to it over a WebSocket. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { startDemoModel, type DemoModel, type RecordedRequest } from '@moltbot/demo-model';
import { Redis } from 'ioredis';
import {
  listen,
  newPerson,
  shownText,
  until,
  type ChatPayload,
  type Listener,
} from '../../support/people.ts';
import { startStandalone, type Standalone } from '../../support/standalone.ts';

export type TalkOptions = Readonly<{
  /** Blocks of moltbot.json, beside those of `watched`. */
  config: (modelUrl: string) => Record<string, unknown>;
  env?: Readonly<Record<string, string>>;
}>;

/** What `chat.send` takes beside the message; `key` is the session, a new one unless told. */
export type Sending = Readonly<{ key?: string; as?: Listener; [param: string]: unknown }>;
export type Said = Readonly<{ key: string; runId: string; end: ChatPayload; text: string }>;

export type HistoryMessage = Readonly<{
  role: string;
  content: readonly { type: string; text?: string; [member: string]: unknown }[];
  stopReason?: string;
  errorMessage?: string;
  usage?: Readonly<Record<string, unknown>>;
  seq: number;
  runId: string;
}>;
export type History = Readonly<{ sessionId?: string; messages: HistoryMessage[]; hasMore: boolean }>;

export type Talk = AsyncDisposable &
  Readonly<{
    standalone: Standalone;
    model: DemoModel;
    me: Listener;
    /** Mine, as Redis names me. */
    userId: string;
    redis: Redis;
    /** Hands a message in and does not wait; answers with its run. */
    send(message: string, sending?: Sending): Promise<{ key: string; runId: string }>;
    /** Hands a message in and waits for its end. */
    say(message: string, sending?: Sending): Promise<Said>;
    patch(key: string, changes: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>>;
    history(key: string, more?: Readonly<Record<string, unknown>>): Promise<History>;
    /** The provider's requests that hold a text, oldest first. */
    asked(text: string): RecordedRequest[];
  }>;

const USER = 'ada';

export async function startTalk(options: TalkOptions): Promise<Talk> {
  await using started = new AsyncDisposableStack();
  const model = started.use(await startDemoModel());
  const config = options.config(model.baseUrl);
  const standalone = started.use(await startStandalone({ config, env: options.env ?? {} }));
  const { wsUrl, token, stateDir } = standalone;
  using admin = listen(wsUrl, token);
  const me = started.use(listen(wsUrl, (await newPerson(admin, USER)).token));
  const redis = new Redis(join(stateDir, 'redis', 'redis.sock'));
  started.defer(() => redis.disconnect());

  const send: Talk['send'] = async (message, { key = `s-${randomUUID()}`, as = me, ...params } = {}) => {
    const runId = randomUUID();
    await as.request('chat.send', { sessionKey: key, message, idempotencyKey: runId, ...params });
    return { key, runId };
  };
  const owned = started.move();
  return {
    standalone,
    model,
    me,
    userId: USER,
    redis,
    send,
    say: async (message, sending) => {
      const run = await send(message, sending);
      const end = await (sending?.as ?? me).end(run.runId);
      return { ...run, end, text: shownText(end) };
    },
    patch: async (key, changes) => await me.request('sessions.patch', { key, ...changes }),
    history: async (sessionKey, more) => await me.request<History>('chat.history', { sessionKey, ...more }),
    asked: (text) => model.requests().filter(({ body }) => JSON.stringify(body).includes(text)),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A model as moltbot.json writes it. */
export const ENTRY = { id: 'm1', name: 'One', input: ['text', 'image'], reasoning: true, maxTokens: 64_000 };

/** A provider that is the demo model. */
export function provider(
  baseUrl: string,
  more: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return { baseUrl, api: 'anthropic-messages', apiKey: 'demo', models: [ENTRY], ...more };
}

/** The body of a Messages API request, as far as tests look. */
export type MessagesBody = Readonly<{
  model: string;
  max_tokens: number;
  stream: boolean;
  system: Block[];
  messages: { role: 'user' | 'assistant'; content: Block[] }[];
  thinking?: { type: string; budget_tokens: number };
  [member: string]: unknown;
}>;
export type Block = { type: string; text?: string; cache_control?: unknown; [member: string]: unknown };

/** The one request that holds a text; waits for it. */
export async function bodyOf(talk: Talk, text: string): Promise<MessagesBody> {
  return (await until(() => talk.asked(text).at(-1), `a request with ${text}`)).body as MessagesBody;
}
