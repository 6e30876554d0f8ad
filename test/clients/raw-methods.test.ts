import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { startProduct, type Product } from './support/product.ts';
import { connectParams, connected, type Frame, type RawSocket } from './support/raw-socket.ts';

let product: Product;
let raw: RawSocket;
beforeAll(async () => {
  await using started = new AsyncDisposableStack();
  product = started.use(await startProduct());
  raw = started.use(await connected(product.wsUrl, connectParams(product.token)));
  const owned = started.move();
  return () => owned.disposeAsync();
});

const number = expect.any(Number) as number;
const text = expect.any(String) as string;
const list = expect.any(Array) as unknown[];
const object = expect.any(Object) as object;
const sessions = { path: text, count: number, recent: list };

/** What the CLI and the Control UI read of each answer without looking whether it is there. */
const ANSWERS: Readonly<Record<string, unknown>> = {
  health: {
    ok: true,
    ts: number,
    durationMs: number,
    channels: object,
    channelOrder: list,
    channelLabels: object,
    heartbeatSeconds: number,
    defaultAgentId: 'main',
    agents: [{ agentId: 'main', isDefault: true, heartbeat: object, sessions }],
    sessions,
  },
  status: {
    heartbeat: { defaultAgentId: 'main', agents: list },
    channelSummary: list,
    queuedSystemEvents: list,
    sessions: { paths: list, count: number, defaults: { model: text }, recent: list, byAgent: list },
  },
  'models.list': { models: expect.arrayContaining([expect.objectContaining({ id: text, provider: text })]) },
  'agents.list': { defaultId: 'main', mainKey: 'main', scope: text, agents: [{ id: 'main' }] },
  'agent.identity.get': { agentId: 'main', name: text, avatar: text },
  'channels.status': {
    ts: number,
    channelOrder: list,
    channelLabels: object,
    channelMeta: list,
    channels: object,
    channelAccounts: object,
    channelDefaultAccountId: object,
  },
  'skills.status': { workspaceDir: text, managedSkillsDir: text, skills: list },
  'cron.status': { enabled: expect.any(Boolean), jobs: number },
  'cron.list': { jobs: list },
  'node.list': { ts: number, nodes: list },
  'node.pair.list': { pending: list, paired: list },
  'device.pair.list': { pending: list, paired: list },
  'exec.approvals.get': { path: text, exists: expect.any(Boolean), hash: text, file: { version: 1 } },
  'tts.status': { enabled: expect.any(Boolean), auto: text },
  'voicewake.get': { triggers: list },
  'usage.status': { updatedAt: number, providers: list },
  'usage.cost': {
    updatedAt: number,
    days: 30,
    daily: list,
    totals: { totalTokens: number, totalCost: number },
  },
  'logs.tail': { file: text, cursor: number, size: number, lines: list },
  'config.get': { path: text, exists: true, raw: text, valid: true, config: object, hash: text, issues: [] },
  'config.schema': { schema: { type: 'object', properties: object }, uiHints: object, version: text },
  'sessions.list': { ts: number, path: text, count: number, defaults: object, sessions: list },
};

describe('each method the CLI and the Control UI call answers what they read', () => {
  test.for(Object.entries(ANSWERS))('%s', async ([method, expected]) => {
    const answer = await raw.request(method, {});
    expect(answer.error).toBeUndefined();
    expect(answer.payload).toMatchObject(expected as object);
  });

  test('system-presence is a bare list with the gateway in it', async () => {
    const { payload } = await raw.request('system-presence', {});
    expect(payload).toContainEqual(expect.objectContaining({ mode: 'gateway', reason: 'self', ts: number }));
  });

  test('last-heartbeat answers, be it with nothing', async () => {
    expect(await raw.request('last-heartbeat', {})).toMatchObject({ ok: true });
  });

  test.for(['health', 'status', 'system-presence'])('%s may come without params', async (method) => {
    expect(await raw.request(method)).toMatchObject({ ok: true });
  });
});

type Refusal = Readonly<{ name: string; method: string; params?: unknown; message: string }>;
const REFUSALS: readonly Refusal[] = [
  { name: 'an unknown method', method: 'nope.x', params: {}, message: 'unknown method: nope.x' },
  {
    name: 'an empty message',
    method: 'chat.send',
    params: { sessionKey: 'main', message: '', idempotencyKey: 'a' },
    message: 'invalid chat.send params: at /message: must NOT have fewer than 1 characters',
  },
  {
    name: 'a missing property',
    method: 'chat.send',
    params: { sessionKey: 'main', message: 'hello' },
    message: "invalid chat.send params: must have required property 'idempotencyKey'",
  },
  {
    name: 'an unexpected property',
    method: 'chat.history',
    params: { sessionKey: 'main', extra: 1 },
    message: "invalid chat.history params: at root: unexpected property 'extra'",
  },
  {
    name: 'an unknown agent',
    method: 'agent',
    params: { message: 'hello', agentId: 'nobody', idempotencyKey: 'b' },
    message: 'invalid agent params: unknown agent id "nobody"',
  },
  {
    name: 'a second connect',
    method: 'connect',
    params: {},
    message: 'connect is only valid as the first request',
  },
];

describe('a request is refused and the connection stays', () => {
  test.for(REFUSALS)('$name', async ({ method, params, message }) => {
    expect(await raw.request(method, params)).toMatchObject({
      ok: false,
      error: { code: 'INVALID_REQUEST', message },
    });
  });

  test('a frame that is no request is answered under its id', async () => {
    raw.send({ type: 'req', id: 'no-method' });
    const answer = await raw.response('no-method');
    expect(answer.error?.message).toMatch(/^invalid request frame: /);
    expect(await raw.request('health')).toMatchObject({ ok: true });
  });

  test('what was not among the requested scopes is refused by name', async () => {
    await using reader = await connected(
      product.wsUrl,
      connectParams(product.token, { scopes: ['operator.read'] }),
    );
    const refused = async (method: string): Promise<string | undefined> =>
      (await reader.request(method, {})).error?.message;
    expect(await refused('config.patch')).toBe('missing scope: operator.admin');
    expect(await refused('chat.send')).toBe('missing scope: operator.write');
    expect(await refused('sessions.list')).toBeUndefined();
  });

  test('cannot lock everybody out by a token that is too short', async () => {
    await using admin = await connected(product.wsUrl, connectParams(product.token));
    const { hash } = (await admin.request('config.get', {})).payload as { hash: string };
    const raw = JSON.stringify({ gateway: { auth: { token: 'short' } } });
    const { error } = await admin.request('config.patch', { raw, baseHash: hash });
    const issue = {
      path: 'gateway.auth.token',
      message: expect.stringMatching(/^has 5 characters/) as string,
    };
    expect(error).toMatchObject({ message: 'invalid config', details: { issues: [issue] } });
    await using again = await connected(product.wsUrl, connectParams(product.token));
    expect((await again.request('health', {})).ok).toBe(true);
  });
});

describe('a turn', () => {
  const sessionKey = `agent:main:raw-${randomUUID()}`;

  test('streams whole texts, ends once, and is in the history when it ends', async () => {
    await using chat = await connected(product.wsUrl, connectParams(product.token));
    const runId = randomUUID();
    const sent = { sessionKey, message: '#tokens 60 #delay 30', idempotencyKey: runId };
    expect((await chat.request('chat.send', sent)).payload).toEqual({ runId, status: 'started' });

    await chat.until((frame) => isChat(frame, runId, 'final'));
    const history = await chat.request('chat.history', { sessionKey });

    const texts = chatEvents(chat, runId).map(spoken);
    expect(texts.length).toBeGreaterThan(2);
    for (const [at, shown] of texts.slice(1).entries()) expect(shown).toContain(texts[at]);
    expect(chatEvents(chat, runId).map((event) => event.state)).toEqual([
      ...texts.slice(1).map(() => 'delta'),
      'final',
    ]);
    expect(history.payload).toMatchObject({
      sessionKey,
      messages: [{ role: 'user' }, { role: 'assistant', content: [{ type: 'text', text: texts.at(-1) }] }],
    });
  });

  test('numbers the events of a connection without a gap', async () => {
    await using chat = await connected(product.wsUrl, connectParams(product.token));
    const runId = randomUUID();
    await chat.request('chat.send', { sessionKey, message: '#tokens 30 #delay 20', idempotencyKey: runId });
    await chat.until((frame) => isChat(frame, runId, 'final'));
    const numbers = chat.frames.flatMap((frame) => frame.seq ?? []);
    expect(numbers).toEqual(numbers.map((_, at) => (numbers[0] ?? 0) + at));
  });

  test('asked for again with the same key is not run again', async () => {
    const runId = randomUUID();
    await using chat = await connected(product.wsUrl, connectParams(product.token));
    const sent = { sessionKey, message: '#echo once', idempotencyKey: runId };
    await chat.request('chat.send', sent);
    await chat.until((frame) => isChat(frame, runId, 'final'));
    expect((await chat.request('chat.send', sent)).payload).toEqual({ runId, status: 'ok' });
  });

  test('is stopped by chat.abort and ends as aborted', async () => {
    const runId = randomUUID();
    await using chat = await connected(product.wsUrl, connectParams(product.token));
    const sent = { sessionKey, message: '#tokens 400 #delay 100', idempotencyKey: runId };
    await chat.request('chat.send', sent);
    await chat.until((frame) => isChat(frame, runId, 'delta'));
    expect((await chat.request('chat.abort', { sessionKey })).payload).toEqual({
      ok: true,
      aborted: true,
      runIds: [runId],
    });
    await chat.until((frame) => isChat(frame, runId, 'aborted'));
    expect(chatEvents(chat, runId).at(-1)).toMatchObject({ state: 'aborted', stopReason: 'rpc' });
  });

  test('that the provider refuses ends as an error with its reason', async () => {
    const runId = randomUUID();
    await using chat = await connected(product.wsUrl, connectParams(product.token));
    const sent = { sessionKey, message: '#fault 400', idempotencyKey: runId };
    await chat.request('chat.send', sent);
    await chat.until((frame) => isChat(frame, runId, 'error'));
    expect(chatEvents(chat, runId).at(-1)).toMatchObject({ errorMessage: text });
  });
});

type ChatEvent = Readonly<{
  runId: string;
  state: string;
  message?: { content: { text: string }[] };
}>;

function isChat(frame: Frame, runId: string, state: string): boolean {
  if (frame.event !== 'chat') return false;
  const event = frame.payload as ChatEvent;
  return event.runId === runId && event.state === state;
}

function chatEvents(socket: RawSocket, runId: string): ChatEvent[] {
  return socket.frames
    .filter((frame) => frame.event === 'chat')
    .map((frame) => frame.payload as ChatEvent)
    .filter((event) => event.runId === runId);
}

function spoken(event: ChatEvent): string {
  return event.message?.content[0]?.text ?? '';
}
