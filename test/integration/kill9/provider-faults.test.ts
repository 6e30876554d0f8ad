/** Providers that refuse, hang, break off or talk nonsense: what a client is told never looks whole when it is not. */
import { randomUUID } from 'node:crypto';
import { startDemoModel, type DemoModel } from '@moltbot/demo-model';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defaultConfig } from '../../support/cluster.ts';
import { listen, shownText, type Listener } from '../../support/people.ts';
import { startStandalone, type Standalone } from '../../support/standalone.ts';

const STALL_MS = 1_500;

let model: DemoModel;
let product: Standalone;
let user: Listener;
beforeAll(async () => {
  model = await startDemoModel();
  const { models, agents } = defaultConfig(model.baseUrl) as {
    models: { providers: { watched: object } };
    agents: object;
  };
  const other = { ...models.providers.watched, baseUrl: `${model.baseUrl}/v1`, api: 'openai-completions' };
  product = await startStandalone({
    config: { models: { providers: { ...models.providers, other } }, agents },
    env: { PROVIDER_STALL_MS: String(STALL_MS), PROVIDER_MAX_RETRIES: '2' },
  });
  user = listen(product.wsUrl, product.token);
}, 90_000);
afterAll(async () => {
  user?.client.close();
  await product?.[Symbol.asyncDispose]();
  await model?.[Symbol.asyncDispose]();
});

const words = (count: number): string => Array.from({ length: count }, (_, at) => `t${at + 1}`).join(' ');

type Assistant = { role: string; content: { text?: string }[]; stopReason?: string; errorMessage?: string };

/** One message over the socket: how it ended, and what history keeps of it. */
async function overSocket(
  ref: string,
  message: string,
): Promise<{ state: string; said: string; kept: Assistant }> {
  const key = `agent:main:${randomUUID()}`;
  const runId = randomUUID();
  await user.request('sessions.patch', { key, model: ref });
  await user.request('chat.send', { sessionKey: key, message, idempotencyKey: runId });
  const end = await user.end(runId);
  const { messages } = await user.request<{ messages: Assistant[] }>('chat.history', { sessionKey: key });
  const kept = messages.at(-1);
  if (kept?.role !== 'assistant') throw new Error('history ends with the answer');
  return { state: end.state, said: end.errorMessage ?? shownText(end), kept };
}

async function overHttp(
  ref: string,
  message: string,
  stream: boolean,
): Promise<{ status: number; text: string }> {
  const response = await fetch(`${product.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${product.token}` },
    body: JSON.stringify({ model: ref, stream, messages: [{ role: 'user', content: message }] }),
  });
  return { status: response.status, text: await response.text() };
}

/** What the client is told, and how many words came before. */
const FAULTS = [
  ['stall', 'stall 3', 3, 'sent nothing for 1.5 s'],
  ['cut connection', 'cut 5', 5, ''],
  ['event that is no JSON', 'malformed 4', 4, 'cannot be read'],
  ['missing end', 'truncate 6', 6, 'cut its answer off'],
  ['overload in the middle', 'overloaded 2', 2, 'failed'],
] as const;

describe.concurrent.each(['watched/demo-1', 'other/demo-1'])(
  'T-5: a provider behind %s',
  { timeout: 40_000 },
  (ref) => {
    test.each(FAULTS)(
      'whose answer has a %s: an error, and the partial text kept as such',
      async (_, fault, count, said) => {
        const message = `#tokens 20 #delay 10 #fault ${fault}`;
        const end = await overSocket(ref, message);
        expect(end.state).toBe('error');
        expect(end.said).toContain(said);
        expect(end.said).not.toMatch(/internal error|undefined|\[object/);
        expect(end.kept.stopReason).toBe('error');
        expect(
          end.kept.content
            .map(({ text }) => text)
            .join('')
            .trim(),
        ).toBe(words(count));

        const streamed = await overHttp(ref, `${message} `, true);
        expect(streamed.text).toMatch(/data: {"error":{"message":"[^]+"code":"provider_failed"}}\n\n$/);
        expect(streamed.text).not.toMatch(/\[DONE\]|"finish_reason":"/);
        const whole = await overHttp(ref, `${message}  `, false);
        expect(whole.status).toBe(502);
        expect(JSON.parse(whole.text)).toMatchObject({
          error: { type: 'api_error', code: 'provider_failed' },
        });
      },
    );

    test('that is busy twice is asked again', async () => {
      const end = await overSocket(ref, `#fault 429 x2 #echo at last ${ref}`);
      expect(end).toMatchObject({ state: 'final', said: `at last ${ref}`, kept: { stopReason: 'stop' } });
    });

    test('that stays overloaded: an error that says so', async () => {
      const end = await overSocket(ref, `#fault 529 ${ref}`);
      expect(end.state).toBe('error');
      expect(end.said).toContain('529');
      expect(end.kept).toMatchObject({ content: [], stopReason: 'error' });
      expect(end.kept.errorMessage).toBe(end.said);
    });

    test('that failed answers the next message of the same session', async () => {
      const key = `agent:main:${randomUUID()}`;
      await user.request('sessions.patch', { key, model: ref });
      for (const [message, state] of [
        ['#tokens 9 #fault cut 4', 'error'],
        ['#echo better', 'final'],
      ] as const) {
        const runId = randomUUID();
        await user.request('chat.send', { sessionKey: key, message, idempotencyKey: runId });
        expect((await user.end(runId)).state).toBe(state);
      }
    });
  },
);
