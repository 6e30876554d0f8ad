/** What is said to the product and not to a model: commands, stop words, the order of what waits, the send policy. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../support/people.ts';
import { ENTRY, provider, startTalk, type Talk } from '../models/talk.ts';

type Aborted = Readonly<{ ok: boolean; aborted: boolean; runIds: string[] }>;
type Run = Readonly<{ key: string; runId: string }>;

let talk: Talk;
beforeAll(async () => {
  talk = await startTalk({
    config: (url) => ({
      models: {
        providers: {
          watched: provider(url, {
            models: [
              { ...ENTRY, contextWindow: 10_000 },
              { ...ENTRY, id: 'm2' },
            ],
          }),
        },
      },
      agents: { defaults: { model: { primary: 'watched/m1' }, thinkingDefault: 'low' } },
      session: {
        sendPolicy: {
          default: 'allow',
          rules: [
            { action: 'allow', match: { keyPrefix: 'agent:main:quiet:but' } },
            { action: 'deny', match: { keyPrefix: 'agent:main:quiet:' } },
            { action: 'deny', match: { chatType: 'group' } },
          ],
        },
      },
    }),
  });
});
afterAll(() => talk[Symbol.asyncDispose]());

const textsIn = async (key: string): Promise<(string | undefined)[]> =>
  (await talk.history(key)).messages.map(({ content }) => content.find(({ type }) => type === 'text')?.text);
const stopReasonsIn = async (key: string): Promise<(string | undefined)[]> =>
  (await talk.history(key)).messages
    .filter(({ role }) => role === 'assistant')
    .map(({ stopReason }) => stopReason);

/** An answer that goes on for longer than the test, and has begun. */
async function longAnswer(): Promise<Run> {
  const run = await talk.send('#tokens 500 #delay 50', { thinking: 'off' });
  await until(() => talk.me.chats(run.runId).length > 0, 'the first word');
  return run;
}

describe('a command', () => {
  test.each([
    [
      '/status',
      /^Session: .*\nModel: watched\/m1\nThinking: low\nContext: \d+ of 10000 tokens \(\d+ %\)\nRecords: 3$/,
    ],
    ['/USAGE please', /^Session: /],
    ['/model', /^Model: watched\/m1\nAvailable:\n- watched\/m1\n- watched\/m2$/],
    ['/models', /^Model: watched\/m1\n/],
    ['/help', /^Commands: \/status, \/model, \/new, \/reset, \/stop\./],
    ['/commands', /^Commands: /],
  ])(
    '%s is answered at once: no model is asked, one chat event, no agent events',
    async (command, answer) => {
      const { key } = await talk.say('#echo before');
      const asked = talk.model.requests().length;
      const { text, runId, end } = await talk.say(command, { key });
      expect(text).toMatch(answer);
      expect(end.state).toBe('final');
      expect(talk.me.chats(runId)).toHaveLength(1);
      expect(talk.me.agents(runId)).toEqual([]);
      expect(talk.model.requests()).toHaveLength(asked);
      expect(await textsIn(key)).toEqual(['#echo before', 'before', command, text]);
      // neither the command nor its answer is ever sent to a model
      expect((await talk.say('#history', { key })).text).toMatch(/^Demo model: I was sent 3 messages/);
    },
  );

  test('/status tells of the session it is asked in', async () => {
    const { key } = await talk.say('#tokens 30');
    await talk.patch(key, { model: 'watched/m2', thinkingLevel: 'high' });
    const { text } = await talk.say('/status', { key });
    expect(text).toContain(`Session: ${key}\nModel: watched/m2\nThinking: high\n`);
    expect(Number(/Context: (\d+)/.exec(text)?.[1])).toBeGreaterThan(20);
  });

  test.each(['/unknown thing', 'status', 'what does /status do?'])(
    '"%s" is none, and goes to the model',
    async (message) => {
      const { text } = await talk.say(message);
      expect(text).toContain(`you said “${message}”`);
    },
  );
});

describe('a stop word', () => {
  test.each(['/stop', 'stop', 'esc', 'abort', 'wait', 'exit', 'interrupt', ' STOP '])(
    '"%s" ends the answer that is being given, and keeps what was said',
    async (message) => {
      const { key, runId } = await longAnswer();
      const params = { sessionKey: key, message, idempotencyKey: randomUUID() };
      const answer = await talk.me.request<Aborted>('chat.send', params);
      expect(answer).toEqual({ ok: true, aborted: true, runIds: [runId] });
      const end = await talk.me.end(runId);
      expect(end).toMatchObject({ state: 'aborted', stopReason: 'stop' });
      expect(end).not.toHaveProperty('message');
      const [said, partial, ...rest] = await textsIn(key);
      expect([said, rest]).toEqual(['#tokens 500 #delay 50', []]);
      expect(partial).toMatch(/^t1( t\d+)*$/);
      expect(await stopReasonsIn(key)).toEqual(['aborted']);
      expect(talk.me.chats(runId).filter(({ state }) => state !== 'delta')).toHaveLength(1);
    },
  );

  test('where nothing is said stops nothing, and is no message', async () => {
    const { key } = await talk.say('#echo done');
    const params = { sessionKey: key, message: 'stop', idempotencyKey: randomUUID() };
    expect(await talk.me.request('chat.send', params)).toEqual({ ok: true, aborted: false, runIds: [] });
    expect(await textsIn(key)).toEqual(['#echo done', 'done']);
  });

  test.each(['stop it', 'please stop', 'wait a minute'])('is not found in "%s"', async (message) => {
    expect((await talk.say(message)).text).toContain(message);
  });
});

describe('messages that wait', () => {
  test('T-2: are answered one at a time and in their order, each knowing those before it', async () => {
    const key = randomUUID();
    const runs: Run[] = [];
    for (const n of [1, 2, 3, 4, 5]) runs.push(await talk.send(`#echo ${key} ${n} #delay 20`, { key }));
    for (const { runId } of runs) expect((await talk.me.end(runId)).state).toBe('final');
    const ends = talk.me.events
      .filter(({ event }) => event === 'chat')
      .map(({ payload }) => payload as { runId: string; state: string })
      .filter(({ runId, state }) => state === 'final' && runs.some((run) => run.runId === runId));
    expect(ends.map(({ runId }) => runId)).toEqual(runs.map(({ runId }) => runId));
    const sizes = talk.asked(key).map(({ body }) => (body as { messages: unknown[] }).messages.length);
    expect(sizes).toEqual([1, 3, 5, 7, 9]);
  });

  test('end as aborted when aborted, without asking the model; the others go on', async () => {
    const first = await longAnswer();
    const { key } = first;
    const [second, third] = [
      await talk.send('#echo second', { key }),
      await talk.send('#echo third', { key }),
    ];
    const abort = async (runId?: string): Promise<Aborted> =>
      await talk.me.request<Aborted>('chat.abort', { sessionKey: key, ...(runId && { runId }) });
    expect(await abort(second.runId)).toEqual({ ok: true, aborted: true, runIds: [second.runId] });
    expect(await abort(first.runId)).toEqual({ ok: true, aborted: true, runIds: [first.runId] });
    expect(await talk.me.end(second.runId)).toMatchObject({ state: 'aborted', stopReason: 'rpc' });
    expect((await talk.me.end(third.runId)).state).toBe('final');
    expect(talk.me.chats(second.runId)).toHaveLength(1);
    expect(await stopReasonsIn(key)).toEqual(['aborted', 'aborted', 'stop']);
    const asked = talk.asked('#echo third').map(({ body }) => JSON.stringify(body));
    expect(asked).toHaveLength(1);
  });

  test('are all aborted when no run is named', async () => {
    const first = await longAnswer();
    const { key } = first;
    const second = await talk.send('#echo never said', { key });
    const { runIds } = await talk.me.request<Aborted>('chat.abort', { sessionKey: key });
    expect(runIds).toEqual([first.runId, second.runId]);
    for (const { runId } of [first, second]) expect((await talk.me.end(runId)).state).toBe('aborted');
    expect(talk.asked('never said')).toEqual([]);
    expect((await talk.say('#echo and on', { key })).text).toBe('and on');
  });

  test('are not aborted from another session, nor when they have ended', async () => {
    const { key, runId } = await longAnswer();
    const elsewhere = talk.me.request('chat.abort', { sessionKey: 'elsewhere', runId });
    await expect(elsewhere).rejects.toThrow('runId does not match sessionKey');
    const nobody = { ok: true, aborted: false, runIds: [] };
    expect(await talk.me.request('chat.abort', { sessionKey: key, runId: 'nobody' })).toEqual(nobody);
    await talk.me.request('chat.abort', { sessionKey: key, runId });
    await talk.me.end(runId);
    expect(await talk.me.request('chat.abort', { sessionKey: key, runId })).toEqual(nobody);
  });
});

describe('T-3: a message that is sent again', () => {
  const again = async ({ key, runId }: Run, message: string): Promise<unknown> =>
    await talk.me
      .request('chat.send', { sessionKey: key, message, idempotencyKey: runId })
      .catch((error: unknown) => error);

  test('while it is answered, after it, and after its failure, says what became of it', async () => {
    const running = await longAnswer();
    expect(await again(running, 'anything')).toEqual({ runId: running.runId, status: 'in_flight' });
    await talk.me.request('chat.abort', { sessionKey: running.key });
    await talk.me.end(running.runId);
    expect(await again(running, 'anything')).toEqual({ runId: running.runId, status: 'ok' });
    const failed = await talk.say('#fault 400');
    expect(await again(failed, 'anything')).toMatchObject({ message: failed.end.errorMessage });
    expect(await textsIn(failed.key)).toEqual(['#fault 400', undefined]);
  });
});

describe('the send policy', () => {
  test.each([
    ['of the configuration, by the key', 'quiet:room', {}, false],
    ['of the configuration, the first rule that fits', 'quiet:but-loud', {}, true],
    ['of the configuration, by the kind of chat', 'slack:group:x', {}, false],
    ['of the configuration, when no rule fits', 'loud', {}, true],
    ['of the session over the configuration, denying', 'loud-denied', { sendPolicy: 'deny' }, false],
    ['of the session over the configuration, allowing', 'quiet:allowed', { sendPolicy: 'allow' }, true],
  ])('%s', async (_what, key, settings, allowed) => {
    await talk.patch(key, settings);
    const outcome = await talk.say('#echo heard', { key }).then(
      ({ text }) => text,
      (error: unknown) => String(error),
    );
    expect(outcome).toMatch(allowed ? /^heard$/ : /send blocked by session policy$/);
    expect(await textsIn(key)).toEqual(allowed ? ['#echo heard', 'heard'] : []);
  });

  const say = { model: 'moltbot', messages: [{ role: 'user', content: '#echo heard' }], max_tokens: 50 };
  test.each([
    ['/v1/chat/completions', say],
    ['/v1/messages', say],
    ['/v1/responses', { model: 'moltbot', input: '#echo heard' }],
  ])('holds on %s too', async (path, body) => {
    const { url, token } = talk.standalone;
    const headers = { authorization: `Bearer ${token}`, 'x-moltbot-session-key': `quiet:${path}` };
    const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('send blocked by session policy');
  });

  test('holds for agent too', async () => {
    const params = { sessionKey: 'quiet:agent', message: '#echo heard', idempotencyKey: randomUUID() };
    await expect(talk.me.request('agent', params)).rejects.toThrow('send blocked by session policy');
    expect(await textsIn('quiet:agent')).toEqual([]);
  });
});

test('a longer time than there is leaves a run and its awaiting the time there is', async () => {
  const timeoutMs = 3_000_000_000;
  const { runId } = await talk.send('#tokens 20 #delay 20', { timeoutMs });
  expect(await talk.me.request('agent.wait', { runId, timeoutMs })).toMatchObject({ status: 'ok' });
  expect(await talk.me.end(runId)).toMatchObject({ state: 'final' });
  const params = { sessionKey: `s-${randomUUID()}`, message: '#tokens 20 #delay 20', timeout: 3_000_000 };
  const idempotencyKey = randomUUID();
  await talk.me.request('agent', { ...params, idempotencyKey });
  expect(await talk.me.end(idempotencyKey)).toMatchObject({ state: 'final' });
});
