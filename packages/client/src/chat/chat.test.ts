import { describe, expect, test, vi } from 'vitest';
import { createNodeClient } from '../node.ts';
import {
  type Method,
  Refusal,
  type ScriptedGateway,
  startScriptedGateway,
} from '../testing/scripted-gateway.ts';
import { createChat } from './chat.ts';
import type { Chat, ChatMessage } from './types.ts';

const KEY = 'agent:main:main';
const INFO = { id: 'webchat-ui', mode: 'webchat', version: '0.0.0', platform: 'test' } as const;
type Stored = {
  role: string;
  content: { type: string; text: string }[];
  seq: number;
  runId: string;
  timestamp: number;
};

/** What a server remembers of one session, as far as a chat can see it. */
class Session {
  readonly log: Stored[] = [];
  sessionId = 's-1';
  readonly runs = new Map<string, 'running' | 'ok'>();

  store(role: string, text: string, runId: string): void {
    this.log.push({
      role,
      content: [{ type: 'text', text }],
      seq: this.log.length + 1,
      runId,
      timestamp: this.log.length,
    });
  }

  readonly methods: Record<string, Method> = {
    'chat.history': ({ limit, beforeSeq }) => {
      const before = this.log.filter((m) => beforeSeq === undefined || m.seq < Number(beforeSeq));
      const messages = before.slice(-Number(limit));
      return {
        sessionKey: KEY,
        sessionId: this.sessionId,
        messages,
        hasMore: messages.length < before.length,
        thinkingLevel: 'off',
      };
    },
    'chat.send': ({ idempotencyKey, message }) => {
      const runId = String(idempotencyKey);
      const known = this.runs.get(runId);
      if (known) return { runId, status: known === 'ok' ? 'ok' : 'in_flight' };
      this.runs.set(runId, 'running');
      this.store('user', String(message), runId);
      return { runId, status: 'started' };
    },
    'chat.abort': () => ({ ok: true, aborted: true, runIds: [] }),
  };

  finish(runId: string, text: string): void {
    this.runs.set(runId, 'ok');
    this.store('assistant', text, runId);
  }
}

type Fixture = AsyncDisposable & {
  gateway: ScriptedGateway;
  session: Session;
  chat: Chat;
  loaded(): Promise<void>;
};

async function open(
  prepare: (session: Session) => void = () => undefined,
  features: string[] = [],
): Promise<Fixture> {
  const session = new Session();
  prepare(session);
  const gateway = await startScriptedGateway({ methods: session.methods, features });
  const client = createNodeClient({ url: gateway.url, token: 't', client: INFO });
  const chat = createChat(client, KEY);
  return {
    gateway,
    session,
    chat,
    loaded: () => vi.waitFor(() => expect(chat.getSnapshot().loading).toBe('no'), 5_000),
    [Symbol.asyncDispose]: async () => {
      chat.close();
      client.close();
      await gateway[Symbol.asyncDispose]();
    },
  };
}

const say = (text: string) => ({ role: 'assistant', content: [{ type: 'text', text }], timestamp: 9 });
const shown = (chat: Chat): [string, string][] => chat.getSnapshot().messages.map((m) => [m.role, m.text]);
const last = (chat: Chat): ChatMessage | undefined => chat.getSnapshot().messages.at(-1);
const eventually = (check: () => void) => vi.waitFor(check, { timeout: 5_000, interval: 10 });
const asked = (gateway: ScriptedGateway, method: string) =>
  gateway.requests.filter((request) => request.method === method);

test('loads the newest page, then older ones, without holes or repeats', async () => {
  await using t = await open((s) => Array.from({ length: 230 }, (_, i) => s.store('user', `m${i}`, `r${i}`)));
  await t.loaded();
  expect(t.chat.getSnapshot()).toMatchObject({ hasMore: true, sessionId: 's-1', thinkingLevel: 'off' });
  await Promise.all([t.chat.loadOlder(), t.chat.loadOlder()]);
  expect(t.chat.getSnapshot().messages).toHaveLength(200);
  await t.chat.loadOlder();
  await t.chat.loadOlder();
  expect(t.chat.getSnapshot().messages.map((m) => m.seq)).toEqual(
    Array.from({ length: 230 }, (_, i) => i + 1),
  );
  expect(t.chat.getSnapshot().hasMore).toBe(false);
  await t.chat.reload();
  expect(t.chat.getSnapshot().messages).toHaveLength(230);
});

test('a turn: sending, queued, streaming, said', async () => {
  await using t = await open();
  await t.loaded();
  const runId = t.chat.send('hello');
  expect(last(t.chat)).toMatchObject({ role: 'user', text: 'hello', status: 'sending' });
  await eventually(() => expect(last(t.chat)?.status).toBe('queued'));
  t.gateway.broadcast('agent', {
    runId,
    sessionKey: KEY,
    seq: 1,
    ts: 1,
    stream: 'lifecycle',
    data: { phase: 'start' },
  });
  t.gateway.broadcast('chat', { runId, sessionKey: KEY, seq: 2, state: 'delta', message: say('Hi') });
  t.gateway.broadcast('chat', { runId, sessionKey: KEY, seq: 3, state: 'delta', message: say('Hi there') });
  await eventually(() =>
    expect(t.chat.getSnapshot().runs).toMatchObject([{ runId, phase: 'streaming', text: 'Hi there' }]),
  );
  t.session.finish(runId, 'Hi there!');
  t.gateway.broadcast('chat', { runId, sessionKey: KEY, seq: 4, state: 'final', message: say('Hi there!') });
  await eventually(() =>
    expect(shown(t.chat)).toEqual([
      ['user', 'hello'],
      ['assistant', 'Hi there!'],
    ]),
  );
  t.gateway.broadcast('chat', { runId, sessionKey: KEY, seq: 5, state: 'delta', message: say('late') });
  const before = t.chat.getSnapshot().messages.map((m) => m.id);
  await t.chat.reload();
  expect(t.chat.getSnapshot().messages).toMatchObject([
    { seq: 1, status: 'sent' },
    { seq: 2, status: 'sent' },
  ]);
  expect(t.chat.getSnapshot().messages.map((m) => m.id)).toEqual(before);
  expect(t.chat.getSnapshot().runs).toEqual([]);
});

test('events of another session or spelling are told apart', async () => {
  await using t = await open();
  await t.loaded();
  t.gateway.broadcast('chat', {
    runId: 'x',
    sessionKey: 'agent:main:other',
    seq: 1,
    state: 'delta',
    message: say('no'),
  });
  t.gateway.broadcast('chat', {
    runId: 'y',
    sessionKey: 'main',
    seq: 1,
    state: 'delta',
    message: say('yes'),
  });
  await eventually(() => expect(t.chat.getSnapshot().runs).toMatchObject([{ runId: 'y', text: 'yes' }]));
});

test('an aborted run leaves its partial text, a failed one its reason', async () => {
  await using t = await open();
  await t.loaded();
  t.gateway.broadcast('chat', { runId: 'a', sessionKey: KEY, seq: 1, state: 'delta', message: say('half') });
  t.gateway.broadcast('chat', { runId: 'a', sessionKey: KEY, seq: 2, state: 'aborted', stopReason: 'rpc' });
  t.session.store('assistant', 'half', 'a');
  await eventually(() => expect(last(t.chat)).toMatchObject({ text: 'half' }));
  t.gateway.broadcast('chat', {
    runId: 'e',
    sessionKey: KEY,
    seq: 1,
    state: 'error',
    errorMessage: 'budget exhausted',
  });
  await eventually(() =>
    expect(last(t.chat)).toMatchObject({
      role: 'assistant',
      errorMessage: 'budget exhausted',
      stopReason: 'error',
    }),
  );
  await t.chat.reload();
  expect(last(t.chat)?.errorMessage).toBe('budget exhausted');
});

describe('over a lost connection', () => {
  test('a message is sent again under the same key until the server answers, and makes one turn', async () => {
    await using t = await open();
    await t.loaded();
    const { 'chat.send': accept } = t.session.methods;
    t.gateway.methods['chat.send'] = (params, peer) => {
      void accept?.(params, peer);
      if (accept) t.gateway.methods['chat.send'] = accept;
      peer.close(1012, 'service restart');
      return new Promise(() => undefined);
    };
    const runId = t.chat.send('once');
    await eventually(() => expect(t.chat.getSnapshot().runs).toMatchObject([{ runId, phase: 'queued' }]));
    expect(asked(t.gateway, 'chat.send').map((request) => request.params)).toEqual(
      Array.from({ length: 2 }, () => ({
        sessionKey: KEY,
        message: 'once',
        idempotencyKey: runId,
        deliver: false,
      })),
    );
    expect(shown(t.chat)).toEqual([['user', 'once']]);
  });

  test('a run that ended meanwhile is found in the history', async () => {
    await using t = await open();
    await t.loaded();
    const runId = t.chat.send('question');
    await eventually(() => expect(last(t.chat)?.status).toBe('queued'));
    t.session.finish(runId, 'answer');
    t.gateway.peers[0]?.close(1012, 'service restart');
    await eventually(() =>
      expect(shown(t.chat)).toEqual([
        ['user', 'question'],
        ['assistant', 'answer'],
      ]),
    );
    await eventually(() => expect(t.chat.getSnapshot().runs).toEqual([]));
  });

  test('a run that failed meanwhile is not asked for again and again', async () => {
    await using t = await open();
    await t.loaded();
    t.chat.send('question');
    await eventually(() => expect(last(t.chat)?.status).toBe('queued'));
    t.gateway.methods['chat.send'] = ({ idempotencyKey: runId }) => {
      const error = { code: 'UNAVAILABLE', message: 'budget exhausted', retryable: true };
      return Promise.reject(new Refusal(error, { runId, status: 'error', summary: 'budget exhausted' }));
    };
    t.gateway.peers[0]?.close(1012, 'service restart');
    await eventually(() =>
      expect(t.chat.getSnapshot()).toMatchObject({ runs: [], messages: [{ status: 'sent' }] }),
    );
    expect(asked(t.gateway, 'chat.send')).toHaveLength(2);
  });

  test('a run in flight streams on', async () => {
    await using t = await open();
    await t.loaded();
    const runId = t.chat.send('long one');
    await eventually(() => expect(t.chat.getSnapshot().runs).toHaveLength(1));
    t.gateway.broadcast('chat', { runId, sessionKey: KEY, seq: 1, state: 'delta', message: say('one') });
    await eventually(() => expect(t.chat.getSnapshot().runs[0]?.text).toBe('one'));
    t.gateway.peers[0]?.close(1001, 'going away');
    await eventually(() => expect(asked(t.gateway, 'chat.send')).toHaveLength(2));
    t.gateway.broadcast('chat', {
      runId,
      sessionKey: KEY,
      seq: 7,
      state: 'delta',
      message: say('one two three'),
    });
    await eventually(() => expect(t.chat.getSnapshot().runs).toMatchObject([{ text: 'one two three' }]));
  });

  test('what a run had said stays until the server has told what was missed, and a page of history until it is read', async () => {
    const sid = '7d1f0a52-9d3e-4d5a-9a3c-0d9b9d1c5a11';
    await using t = await open(undefined, ['chat.resume']);
    await t.loaded();
    const said = Promise.withResolvers<unknown>();
    const read = Promise.withResolvers<unknown>();
    const { 'chat.history': history } = t.session.methods;
    t.gateway.methods['chat.resume'] = () => said.promise;
    t.gateway.methods['chat.history'] = async (params, peer) => (await read.promise, history?.(params, peer));
    const delta = { runId: 'r1', sessionKey: KEY, seq: 1, state: 'delta', message: say('one two') };
    t.gateway.broadcast('chat', { ...delta, cursor: `${sid}/1-2` });
    await eventually(() => expect(t.chat.getSnapshot().runs).toMatchObject([{ text: 'one two' }]));
    const texts: string[] = [];
    t.chat.subscribe(() =>
      texts.push(
        [...t.chat.getSnapshot().runs, ...t.chat.getSnapshot().messages].map(({ text }) => text).join('|'),
      ),
    );
    t.gateway.peers[0]?.close(1012, 'service restart');
    await eventually(() => expect(asked(t.gateway, 'chat.resume')).toHaveLength(1));
    t.session.store('assistant', 'one two three', 'r1');
    said.resolve({ sessionKey: KEY, sessionId: sid, cursor: `${sid}/9-9`, gap: true, frames: [], runs: [] });
    await eventually(() => expect(t.chat.getSnapshot().loading).toBe('refresh'));
    read.resolve(undefined);
    await eventually(() => expect(shown(t.chat)).toEqual([['assistant', 'one two three']]));
    expect(t.chat.getSnapshot().runs).toEqual([]);
    expect([...new Set(texts)]).toEqual(['one two', 'one two three']);
  });

  test('a snapshot shows what runs and how much it has said', async () => {
    const sid = '7d1f0a52-9d3e-4d5a-9a3c-0d9b9d1c5a11';
    await using t = await open(undefined, ['chat.resume']);
    await t.loaded();
    const run = { sessionKey: KEY, state: 'running', startedAt: 1, attempt: 1 };
    const runs = [
      { ...run, runId: 'r2', text: 'so far', thinking: 'hm' },
      { ...run, runId: 'waits elsewhere', state: 'waiting', text: '' },
    ];
    t.gateway.methods['chat.resume'] = () => ({
      sessionKey: KEY,
      cursor: `${sid}/9-9`,
      gap: true,
      frames: [],
      runs,
    });
    t.session.store('assistant', 'note', 'n');
    const note = { runId: 'n', sessionKey: KEY, seq: 0, state: 'final', message: say('note') };
    t.gateway.broadcast('chat', { ...note, cursor: `${sid}/1-1` });
    await eventually(() => expect(shown(t.chat)).toHaveLength(1));
    t.gateway.peers[0]?.close(1013, `slow consumer; cursor=${sid}/1-1`);
    await eventually(() =>
      expect(t.chat.getSnapshot().runs).toMatchObject([
        { runId: 'r2', text: 'so far', thinking: 'hm', phase: 'streaming' },
      ]),
    );
  });

  test('lost frames bring the history', async () => {
    await using t = await open();
    await t.loaded();
    t.session.store('user', 'from another tab', 'r1');
    t.session.store('assistant', 'seen there', 'r1');
    t.gateway.peers[0]?.event('tick', {}, 3);
    t.gateway.peers[0]?.event('tick', {}, 9);
    await eventually(() => expect(shown(t.chat)).toHaveLength(2));
  });
});

test('what another tab says appears here, question and answer', async () => {
  await using t = await open();
  await t.loaded();
  t.session.store('user', 'asked elsewhere', 'r1');
  t.gateway.broadcast('chat', { runId: 'r1', sessionKey: KEY, seq: 1, state: 'delta', message: say('ans') });
  await eventually(() => expect(shown(t.chat)).toEqual([['user', 'asked elsewhere']]));
  t.session.finish('r1', 'answered');
  t.gateway.broadcast('chat', {
    runId: 'r1',
    sessionKey: KEY,
    seq: 2,
    state: 'final',
    message: say('answered'),
  });
  await eventually(() =>
    expect(shown(t.chat)).toEqual([
      ['user', 'asked elsewhere'],
      ['assistant', 'answered'],
    ]),
  );
});

test('stored messages come by subscription where the server has it', async () => {
  await using t = await open(undefined, ['sessions.messages.subscribe']);
  await t.loaded();
  expect(asked(t.gateway, 'sessions.messages.subscribe')[0]?.params).toEqual({ key: KEY });
  const message = { role: 'user', content: [{ type: 'text', text: 'told' }], timestamp: 1 };
  t.gateway.broadcast('session.message', { sessionKey: KEY, message, messageId: 'm', messageSeq: 1 });
  await eventually(() => expect(t.chat.getSnapshot().messages).toMatchObject([{ seq: 1, text: 'told' }]));
});

describe('refusals', () => {
  test('busy is tried again when the server says so, in the order things were said', async () => {
    await using t = await open();
    await t.loaded();
    const { 'chat.send': accept } = t.session.methods;
    t.gateway.methods['chat.send'] = () => {
      if (accept) t.gateway.methods['chat.send'] = accept;
      throw new Refusal({ code: 'UNAVAILABLE', message: 'busy', retryable: true, retryAfterMs: 20 });
    };
    t.chat.send('first');
    t.chat.send('second');
    await eventually(() => expect(t.session.log.map((m) => m.content[0]?.text)).toEqual(['first', 'second']));
  });

  test('a message that is refused can be sent again or thrown away', async () => {
    await using t = await open();
    await t.loaded();
    const { 'chat.send': accept } = t.session.methods;
    t.gateway.methods['chat.send'] = () =>
      Promise.reject(new Refusal({ code: 'INVALID_REQUEST', message: 'send blocked by session policy' }));
    const kept = t.chat.send('kept');
    const thrown = t.chat.send('thrown away');
    await eventually(() =>
      expect(t.chat.getSnapshot().messages.map((m) => m.status)).toEqual(['failed', 'failed']),
    );
    expect(last(t.chat)?.errorMessage).toBe('send blocked by session policy');
    if (accept) t.gateway.methods['chat.send'] = accept;
    t.chat.discard(thrown);
    t.chat.retry(kept);
    await eventually(() =>
      expect(t.chat.getSnapshot().messages).toMatchObject([{ text: 'kept', status: 'queued' }]),
    );
    expect(last(t.chat)?.errorMessage).toBeUndefined();
  });

  test('history that cannot be read is said, and cleared by the next load', async () => {
    await using t = await open();
    await t.loaded();
    const { 'chat.history': read } = t.session.methods;
    t.gateway.methods['chat.history'] = () =>
      Promise.reject(new Refusal({ code: 'UNAVAILABLE', message: 'storage is away' }));
    await t.chat.reload();
    expect(t.chat.getSnapshot().error).toMatchObject({ message: 'storage is away' });
    if (read) t.gateway.methods['chat.history'] = read;
    await t.chat.reload();
    expect(t.chat.getSnapshot().error).toBeUndefined();
  });
});

test('a reset shows the new session alone', async () => {
  await using t = await open((s) => s.store('user', 'old', 'r0'));
  await t.loaded();
  t.session.sessionId = 's-2';
  t.session.log.length = 0;
  const runId = t.chat.send('/new');
  await eventually(() => expect(last(t.chat)?.status).toBe('queued'));
  t.session.log.length = 0;
  t.session.finish(runId, 'New session started.');
  t.gateway.broadcast('chat', {
    runId,
    sessionKey: KEY,
    seq: 1,
    state: 'final',
    message: say('New session started.'),
  });
  await eventually(() => expect(shown(t.chat)).toEqual([['assistant', 'New session started.']]));
});

test('abort asks for one run or for all', async () => {
  await using t = await open();
  await t.chat.abort('r1');
  await t.chat.abort();
  expect(asked(t.gateway, 'chat.abort').map((request) => request.params)).toEqual([
    { sessionKey: KEY, runId: 'r1' },
    { sessionKey: KEY },
  ]);
});
