import { describe, expect, test } from 'vitest';
import { Refusal } from '../testing/scripted-gateway.ts';
import { asked, eventually, KEY, last, openChat, say, shown } from '../testing/remembered-session.ts';

test('loads the newest page, then older ones, without holes or repeats', async () => {
  await using t = await openChat((s) =>
    Array.from({ length: 230 }, (_, i) => s.store('user', `m${i}`, `r${i}`)),
  );
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
  await using t = await openChat();
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
  await using t = await openChat();
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
  await using t = await openChat();
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

test('what another tab says appears here, question and answer', async () => {
  await using t = await openChat();
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
  await using t = await openChat(undefined, ['sessions.messages.subscribe']);
  await t.loaded();
  expect(asked(t.gateway, 'sessions.messages.subscribe')[0]?.params).toEqual({ key: KEY });
  const message = { role: 'user', content: [{ type: 'text', text: 'told' }], timestamp: 1 };
  t.gateway.broadcast('session.message', { sessionKey: KEY, message, messageId: 'm', messageSeq: 1 });
  await eventually(() => expect(t.chat.getSnapshot().messages).toMatchObject([{ seq: 1, text: 'told' }]));
});

describe('refusals', () => {
  test('busy is tried again when the server says so, in the order things were said', async () => {
    await using t = await openChat();
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
    await using t = await openChat();
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
    await using t = await openChat();
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
  await using t = await openChat((s) => s.store('user', 'old', 'r0'));
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
  await using t = await openChat();
  await t.chat.abort('r1');
  await t.chat.abort();
  expect(asked(t.gateway, 'chat.abort').map((request) => request.params)).toEqual([
    { sessionKey: KEY, runId: 'r1' },
    { sessionKey: KEY },
  ]);
});
