/** A provider that fails, hangs or never ends: what is tried again, what is kept, what people are told. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startDemoModel } from '@moltbot/demo-model';
import { shownText } from '../../support/people.ts';
import { freePort } from '../../support/ports.ts';

import { provider, startTalk, type Talk } from './talk.ts';

const STALL_MS = 1_500;
const TIMEOUT_SECONDS = 2;

let talk: Talk;
let latePort: number;
beforeAll(async () => {
  latePort = await freePort();
  const late = `http://127.0.0.1:${latePort}`;
  talk = await startTalk({
    config: (url) => ({
      models: {
        providers: {
          watched: provider(url),
          spoken: provider(`${url}/v1`, { api: 'openai-completions' }),
          late: provider(late),
          'late-spoken': provider(`${late}/v1`, { api: 'openai-completions' }),
          nowhere: provider('http://127.0.0.1:9'),
        },
      },
      agents: {
        defaults: { model: { primary: 'watched/m1' }, timeoutSeconds: TIMEOUT_SECONDS },
        list: [
          { id: 'main', default: true },
          {
            id: 'backed',
            model: { primary: 'watched/first', fallbacks: ['watched/second', 'watched/third'] },
          },
        ],
      },
    }),
    env: { PROVIDER_STALL_MS: String(STALL_MS), PROVIDER_MAX_RETRIES: '2' },
  });
});
afterAll(() => talk[Symbol.asyncDispose]());

const APIS = ['watched/m1', 'spoken/m1'];
const BOTH = (faults: readonly string[]) =>
  APIS.flatMap((ref) => faults.map((fault) => [ref, fault] as const));

async function sessionWith(model: string): Promise<string> {
  const key = randomUUID();
  await talk.patch(key, { model });
  return key;
}

const answerOf = async (key: string) => (await talk.history(key)).messages.at(-1);

// concurrent: most of their time is a wait
describe.concurrent('before the first word', () => {
  test.each(BOTH(['429 x2 retry-after 0.2', '529 x1', '500 x2', '503 x1', '408 x1']))(
    '%s is asked again after %s, and answers',
    async (ref, fault) => {
      const key = await sessionWith(ref);
      const { text } = await talk.say(`#tokens 3 #fault ${fault} ${key}`, { key });
      expect(text).toBe('t1 t2 t3');
      expect(talk.asked(key)).toHaveLength(Number(/x(\d)/.exec(fault)?.[1]) + 1);
    },
  );

  test.each(APIS)('%s is asked again when the provider said it would be ready, not sooner', async (ref) => {
    const key = await sessionWith(ref);
    await talk.say(`#tokens 3 #fault 429 x1 retry-after 1 ${key}`, { key });
    const [first, second] = talk.asked(key).map(({ receivedAtMs }) => receivedAtMs);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(995);
  });

  test('a refused connection is tried again, and answers', async () => {
    const keys = await Promise.all(['late/m1', 'late-spoken/m1'].map(sessionWith));
    const runs = await Promise.all(keys.map((key) => talk.send('#echo here now', { key })));
    await expect.poll(() => runs.every(({ runId }) => talk.me.agents(runId).length > 0)).toBe(true);
    await using _late = await startDemoModel({ port: latePort });
    for (const { runId } of runs) expect(shownText(await talk.me.end(runId))).toBe('here now');
  });

  test.each(BOTH(['400', '401', '403', '404']))('%s is not asked again after %s', async (ref, fault) => {
    const key = await sessionWith(ref);
    const { end } = await talk.say(`#tokens 3 #fault ${fault} ${key}`, { key });
    expect(end).toMatchObject({ state: 'error', errorMessage: expect.stringContaining(`(${fault})`) });
    expect(end.errorMessage).toContain(ref.slice(0, ref.indexOf('/')));
    expect(talk.asked(key)).toHaveLength(1);
  });

  test('what stays unreachable is named, and the next message is taken', async () => {
    const key = await sessionWith('nowhere/m1');
    const { end } = await talk.say('hello', { key });
    expect(end).toMatchObject({ state: 'error', errorMessage: 'nowhere cannot be reached' });
    await talk.patch(key, { model: 'watched/m1' });
    expect((await talk.say('#history', { key })).text).toContain('hello');
  });
});

describe.concurrent('after the first word', () => {
  test.each(BOTH(['cut 3', 'truncate 3', 'overloaded 3', 'malformed 3']))(
    '%s is not asked again after %s; what was said is kept and does not look whole',
    async (ref, fault) => {
      const key = await sessionWith(ref);
      const { end } = await talk.say(`#tokens 9 #fault ${fault} ${key}`, { key });
      expect(end).toMatchObject({ state: 'error', errorMessage: expect.stringMatching(/\S/) });
      expect(talk.asked(key)).toHaveLength(1);
      expect(await answerOf(key)).toMatchObject({
        content: [{ type: 'text', text: 't1 t2 t3' }],
        stopReason: 'error',
        errorMessage: end.errorMessage,
      });
      expect((await talk.say('#echo and on', { key })).text).toBe('and on');
    },
  );
});

describe('fallbacks', () => {
  afterEach(() => talk.model.script([]));
  const modelsAsked = (word: string) => talk.asked(word).map(({ body }) => (body as { model: string }).model);
  const inBacked = () => `agent:backed:${randomUUID()}`;

  test('answer when the model before them fails before the first word', async () => {
    const key = inBacked();
    talk.model.script([
      { kind: 'status', status: 400, model: 'first' },
      { kind: 'cut', afterTokens: 0, model: 'second' },
    ]);
    const { text } = await talk.say(`#echo ${key}`, { key });
    expect(text).toBe(key);
    expect(modelsAsked(key)).toEqual(['first', 'second', 'third']);
    expect(await answerOf(key)).toMatchObject({ model: 'third', stopReason: 'stop' });
  });

  test('are not asked when something has been said', async () => {
    const key = inBacked();
    talk.model.script({ kind: 'cut', afterTokens: 2, model: 'first' });
    const { end } = await talk.say(`#tokens 9 ${key}`, { key });
    expect(end.state).toBe('error');
    expect(modelsAsked(key)).toEqual(['first']);
  });

  test('that fail too end the turn with the last one’s words', async () => {
    const key = inBacked();
    talk.model.script(
      ['first', 'second', 'third'].map((model) => ({
        kind: 'status',
        status: 400,
        message: `no ${model}`,
        model,
      })),
    );
    const { end } = await talk.say(`hello ${key}`, { key });
    expect(end.errorMessage).toBe('watched refused the request (400): no third');
    expect(modelsAsked(key)).toEqual(['first', 'second', 'third']);
  });
});

describe.concurrent('a provider that takes its time', () => {
  test.each(BOTH(['0', '3']))(
    '%s silent after %s words is left alone; the words are kept',
    async (ref, words) => {
      const key = await sessionWith(ref);
      const startedAtMs = Date.now();
      const { end } = await talk.say(`#tokens 9 #fault stall ${words} ${key}`, { key });
      expect(end.errorMessage).toMatch(/ sent nothing for 1\.5 s$/);
      expect(Date.now() - startedAtMs).toBeGreaterThanOrEqual(STALL_MS);
      expect((await answerOf(key))?.content).toEqual(
        words === '0' ? [] : [{ type: 'text', text: 't1 t2 t3' }],
      );
      await expect.poll(() => talk.asked(key)[0]?.outcome).toBe('aborted');
    },
  );

  test.each(APIS)('%s late with the first word, within the limit, is waited for', async (ref) => {
    const key = await sessionWith(ref);
    const { text } = await talk.say(`#tokens 3 #fault slow ${STALL_MS - 500} ${key}`, { key });
    expect(text).toBe('t1 t2 t3');
    expect(talk.asked(key)).toHaveLength(1);
  });

  test.each([
    ...APIS.map(
      (ref) => [ref, 'the limit of the configuration', undefined, TIMEOUT_SECONDS * 1_000] as const,
    ),
    ...APIS.map((ref) => [ref, 'the limit of the message', 700, 700] as const),
  ])(
    '%s never at an end is ended by %s, and the words are kept',
    async (ref, _what, timeoutMs, expectedMs) => {
      const key = await sessionWith(ref);
      const startedAtMs = Date.now();
      const message = `#tokens 20 #fault endless ${key}`;
      const { end, runId } = await talk.say(message, { key, ...(timeoutMs && { timeoutMs }) });
      expect(end).toMatchObject({ state: 'aborted', stopReason: 'timeout' });
      expect(Date.now() - startedAtMs).toBeGreaterThanOrEqual(expectedMs);
      expect(Date.now() - startedAtMs).toBeLessThan(expectedMs + 1_500);
      expect(talk.me.chats(runId).filter(({ state }) => state !== 'delta')).toHaveLength(1);
      const answer = await answerOf(key);
      expect(answer).toMatchObject({ stopReason: 'aborted' });
      expect(answer?.content[0]?.text).toMatch(/^t1 t2 t3/);
      expect((await talk.say('#echo and on', { key })).text).toBe('and on');
    },
  );

  test('a limit longer than timers can count is no limit', async () => {
    const timeoutMs = 30 * 24 * 3_600_000;
    const { runId } = await talk.send('#tokens 3 #delay 20', { timeoutMs });
    expect(await talk.me.request('agent.wait', { runId, timeoutMs })).toMatchObject({ status: 'ok' });
    expect(shownText(await talk.me.end(runId))).toBe('t1 t2 t3');
  });
});
