import { expect, test } from 'vitest';
import { Refusal } from '../testing/scripted-gateway.ts';
import { asked, eventually, KEY, last, openChat, say, shown } from '../testing/remembered-session.ts';

test('a message is sent again under the same key until the server answers, and makes one turn', async () => {
  await using t = await openChat();
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
  await using t = await openChat();
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
  await using t = await openChat();
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
  await using t = await openChat();
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
  await using t = await openChat(undefined, ['chat.resume']);
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
  await using t = await openChat(undefined, ['chat.resume']);
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
  await using t = await openChat();
  await t.loaded();
  t.session.store('user', 'from another tab', 'r1');
  t.session.store('assistant', 'seen there', 'r1');
  t.gateway.peers[0]?.event('tick', {}, 3);
  t.gateway.peers[0]?.event('tick', {}, 9);
  await eventually(() => expect(shown(t.chat)).toHaveLength(2));
});
