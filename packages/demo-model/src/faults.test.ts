import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { startDemoModel, type DemoModel, type Fault } from './index.ts';

let model: DemoModel;
let client: Anthropic;

beforeAll(async () => {
  model = await startDemoModel({ apiKey: 'right' });
  client = new Anthropic({ apiKey: 'right', baseURL: model.baseUrl, maxRetries: 0 });
});
afterAll(() => model[Symbol.asyncDispose]());
beforeEach(() => {
  model.script([]);
  model.clearRequests();
});

const HEADERS = {
  'anthropic-version': '2023-06-01',
  'content-type': 'application/json',
  'x-api-key': 'right',
};

function request(content: string, more: Record<string, unknown> = {}): RequestInit {
  const messages = [{ role: 'user', content }];
  const body = { model: 'demo-model', max_tokens: 100, messages, ...more };
  return { method: 'POST', headers: HEADERS, body: JSON.stringify(body) };
}

function post(content: string, more: Record<string, unknown> = {}): Promise<Response> {
  return fetch(`${model.baseUrl}/v1/messages`, request(content, more));
}

function askSdk(content: string) {
  const messages = [{ role: 'user' as const, content }];
  return { model: 'demo-model', max_tokens: 100, messages };
}

/** The text a stream delivered before it ended, and how it ended. */
async function readStream(content: string): Promise<{ text: string; error: unknown; stopped: boolean }> {
  let text = '';
  let stopped = false;
  try {
    const stream = await client.messages.create({ ...askSdk(content), stream: true });
    for await (const event of stream) {
      if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') text += event.delta.text;
      if (event.type === 'message_stop') stopped = true;
    }
    return { text, error: undefined, stopped };
  } catch (error) {
    return { text, error, stopped };
  }
}

describe('refusals', () => {
  const user = [{ role: 'user', content: 'hi' }];
  test.each([
    ['max_tokens', { max_tokens: undefined }, 'max_tokens: Field required'],
    ['model', { model: undefined }, 'model: Field required'],
    ['messages', { messages: undefined }, 'messages: Field required'],
    ['no message', { messages: [] }, 'messages: at least one message is required'],
    [
      'assistant first',
      { messages: [{ role: 'assistant', content: 'hi' }] },
      'messages: first message must use the "user" role',
    ],
    [
      'prefill with white space',
      { messages: [...user, { role: 'assistant', content: 'a ' }] },
      'messages: final assistant content cannot end with trailing whitespace',
    ],
    [
      'thinking budget above the limit',
      { thinking: { type: 'enabled', budget_tokens: 2_000 } },
      '`max_tokens` must be greater than `thinking.budget_tokens`',
    ],
  ])('%s', async (_, change, message) => {
    const response = await post('hi', change);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      type: 'error',
      error: { type: 'invalid_request_error', message },
    });
  });

  test('a wrong key and a missing version', async () => {
    const wrong = { ...request('hi'), headers: { ...HEADERS, 'x-api-key': 'wrong' } };
    expect((await fetch(`${model.baseUrl}/v1/messages`, wrong)).status).toBe(401);
    const { 'anthropic-version': _, ...bare } = HEADERS;
    const unversioned = await fetch(`${model.baseUrl}/v1/messages`, { ...request('hi'), headers: bare });
    expect(unversioned.status).toBe(400);
  });
});

describe('HTTP faults', () => {
  test('a status comes as often as scripted, with retry-after, for its model only', async () => {
    model.script({ kind: 'status', status: 429, times: 2, retryAfterSeconds: 3, model: 'demo-model' });
    const other = await post('hi', { model: 'other' });
    const first = await post('hi');
    const second = await post('hi');
    const third = await post('hi');
    expect([other, first, second, third].map(({ status }) => status)).toEqual([200, 429, 429, 200]);
    expect(first.headers.get('retry-after')).toBe('3');
    expect(await first.json()).toMatchObject({ error: { type: 'rate_limit_error' } });
  });

  test('a list is played in order, and a new one replaces it', async () => {
    model.script([{ kind: 'status', status: 529 }, { kind: 'none' }, { kind: 'status', status: 500 }]);
    const statuses = [(await post('a')).status, (await post('b')).status];
    model.script([]);
    expect([...statuses, (await post('c')).status]).toEqual([529, 200, 200]);
  });

  test('a directive with xN spoils only the first calls with its text', async () => {
    const text = 'flaky #fault 529 x2 retry-after 0';
    const statuses = [];
    for (let call = 0; call < 3; call += 1) statuses.push((await post(text)).status);
    expect(statuses).toEqual([529, 529, 200]);
  });
});

describe('stream faults', () => {
  test('cut: the connection dies after so many tokens', async () => {
    const { text, error } = await readStream('#tokens 9 #fault cut 3');
    expect(text).toBe('t1 t2 t3');
    expect(error).toBeInstanceOf(Error);
  });

  test('truncate: a clean end of the body without message_stop', async () => {
    expect(await readStream('#tokens 9 #fault truncate 3')).toEqual({
      text: 't1 t2 t3',
      error: undefined,
      stopped: false,
    });
  });

  test('malformed: an event that cannot be read', async () => {
    const { text, error } = await readStream('#tokens 9 #fault malformed 3');
    expect(text).toBe('t1 t2 t3');
    expect(error).toBeInstanceOf(Error);
  });

  test('overloaded: an error event', async () => {
    const { text, error } = await readStream('#tokens 9 #fault overloaded 3');
    expect(text).toBe('t1 t2 t3');
    expect(String(error)).toContain('overloaded_error');
  });

  test('a break beyond the end happens at the end', async () => {
    const { text, stopped } = await readStream('#tokens 2 #fault truncate 50');
    expect([text, stopped]).toEqual(['t1 t2', false]);
  });

  test.each<Fault>([{ kind: 'stall', afterTokens: 3 }, { kind: 'endless' }])(
    '$kind: goes on until the caller leaves, which is seen',
    async (fault) => {
      model.script(fault);
      const stream = await client.messages.create({ ...askSdk('#tokens 3'), stream: true });
      let text = '';
      for await (const event of stream) {
        if (event.type === 'content_block_delta' && event.delta.type === 'text_delta')
          text += event.delta.text;
        if (text.startsWith('t1 t2 t3')) break;
      }
      await vi.waitFor(() => expect(model.requests().at(-1)?.outcome).toBe('aborted'));
    },
  );

  test('slow: the stream opens at once, the first token is late', async () => {
    model.script({ kind: 'slow', firstTokenMs: 150 });
    const stream = await client.messages.create({ ...askSdk('#echo hi'), stream: true });
    const seenAtMs = new Map<string, number>();
    for await (const event of stream) seenAtMs.set(event.type, performance.now());
    const lateMs = (seenAtMs.get('content_block_delta') ?? 0) - (seenAtMs.get('content_block_start') ?? 0);
    expect(lateMs).toBeGreaterThan(100);
  });

  test('reset: the connection dies before the first byte', async () => {
    await expect(post('hi #fault reset')).rejects.toThrow('fetch failed');
    model.script({ kind: 'reset' });
    expect([await post('a').catch(() => 0), (await post('a')).status]).toEqual([0, 200]);
  });

  test('silent: not a byte comes, however long one waits', async () => {
    const answer = fetch(`${model.baseUrl}/v1/messages`, {
      ...request('hi #fault silent'),
      signal: AbortSignal.timeout(300),
    });
    await expect(answer).rejects.toThrow('timeout');
    await vi.waitFor(() => expect(model.requests().at(-1)?.outcome).toBe('aborted'));
  });

  test('stop: an end for a reason nobody knows', async () => {
    const text = await (await post('#tokens 2 #fault stop moon_phase', { stream: true })).text();
    expect(text).toContain('"stop_reason":"moon_phase"');
    expect(await (await post('#tokens 2 #fault stop moon_phase')).json()).toMatchObject({
      content: [{ text: 't1 t2' }],
      stop_reason: 'moon_phase',
    });
  });

  test('empty: a good end with nothing before it', async () => {
    expect(await (await post('#tokens 2 #fault empty')).json()).toMatchObject({
      content: [],
      stop_reason: 'end_turn',
    });
    expect(await readStream('#tokens 2 #fault empty')).toEqual({ text: '', error: undefined, stopped: true });
  });

  test.each([1, 2, 5])('split: the same answer in pieces of %i bytes', async (bytes) => {
    const body = (await post(`#fault split ${bytes} #echo 你好 👋🏽`, { stream: true })).body;
    const pieces: Uint8Array[] = [];
    for await (const piece of body ?? []) pieces.push(piece);
    const split = pieces.filter((piece) => !Buffer.from(piece).toString().endsWith('\n\n'));
    expect(split.length, 'between lines and inside them').toBeGreaterThan(10);
    const { text, stopped } = await readStream(`#fault split ${bytes} #echo 你好 👋🏽`);
    expect([text, stopped]).toEqual(['你好 👋🏽', true]);
  });

  test('the OpenAI stream breaks as well', async () => {
    const openai = new OpenAI({ apiKey: 'right', baseURL: `${model.baseUrl}/v1`, maxRetries: 0 });
    model.script({ kind: 'overloaded', afterTokens: 1 });
    const stream = await openai.chat.completions.create({ ...askSdk('#tokens 5'), stream: true });
    const read = async (): Promise<void> => {
      for await (const _ of stream);
    };
    await expect(read()).rejects.toThrow(/overloaded/);
  });
});

describe('whole answers break too', () => {
  test.each<[Fault, RegExp]>([
    [{ kind: 'cut', afterTokens: 0 }, /terminated|Connection/],
    [{ kind: 'malformed', afterTokens: 0 }, /JSON/],
    [{ kind: 'overloaded', afterTokens: 0 }, /529/],
  ])('%o', async (fault, message) => {
    model.script(fault);
    await expect(client.messages.create(askSdk('hi'))).rejects.toThrow(message);
  });
});

describe('the control endpoints', () => {
  const script = (body: unknown): Promise<Response> =>
    fetch(`${model.baseUrl}/__demo/script`, { method: 'POST', body: JSON.stringify(body) });

  test('script faults, show requests and forget them', async () => {
    expect((await script({ kind: 'status', status: 500 })).status).toBe(200);
    expect((await post('remember me')).status).toBe(500);
    const seen = await (await fetch(`${model.baseUrl}/__demo/requests`)).json();
    expect(seen).toMatchObject([
      {
        path: '/v1/messages',
        headers: { 'x-api-key': 'right' },
        body: { messages: [{ content: 'remember me' }] },
      },
    ]);
    await fetch(`${model.baseUrl}/__demo/requests`, { method: 'DELETE' });
    expect(model.requests()).toEqual([]);
  });

  test('refuse what is no fault', async () => {
    expect((await script({ kind: 'explode' })).status).toBe(400);
  });

  test('are absent where they are switched off', async () => {
    await using closed = await startDemoModel({ control: false });
    expect((await fetch(`${closed.baseUrl}/__demo/requests`)).status).toBe(404);
  });
});
