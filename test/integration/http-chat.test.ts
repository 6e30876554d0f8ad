import { randomUUID } from 'node:crypto';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PNG, sseEvents, startHttpProduct, type HttpProduct } from '../support/http-product.ts';

const PATH = '/v1/chat/completions';
const model = 'moltbot';
const says = (content: string): [{ role: 'user'; content: string }] => [{ role: 'user', content }];
const WEATHER = { name: 'weather', description: 'Tells it.', parameters: { type: 'object', properties: {} } };

let product: HttpProduct;
let openai: OpenAI;
beforeAll(async () => {
  product = await startHttpProduct();
  const { url, token } = product.standalone;
  openai = new OpenAI({ apiKey: token, baseURL: `${url}/v1`, maxRetries: 0 });
});
afterAll(() => product[Symbol.asyncDispose]());

async function ask(body: object, headers?: Record<string, string>): Promise<string> {
  const response = await product.post(PATH, { model, ...body }, headers);
  const answer = (await response.json()) as OpenAI.ChatCompletion;
  return answer.choices[0]?.message.content ?? '';
}

describe('what goes in', () => {
  test('an image in the request reaches the model; an address does not', async () => {
    const marker = randomUUID();
    const part = (url: string) => ({ type: 'image_url', image_url: { url } }) as const;
    const content = [
      { type: 'text', text: `#echo ${marker}` } as const,
      part(`data:image/png;base64,${PNG}`),
    ];
    await openai.chat.completions.create({ model, messages: [{ role: 'user', content }] });
    const { body } = await product.asked(marker);
    expect(JSON.stringify(body)).toContain(PNG);
    const fetched = openai.chat.completions.create({
      model,
      messages: [{ role: 'user', content: [part('https://example.test/a.png')] }],
    });
    await expect(fetched).rejects.toThrow(/addresses are not fetched/);
  });

  test('a tool call comes out, its result goes in, and the answer quotes it', async () => {
    const tools = [{ type: 'function', function: WEATHER }] as const;
    const question = says('#tool weather {"city":"Oslo"}');
    const first = await openai.chat.completions.create({ model, messages: question, tools: [...tools] });
    const [choice] = first.choices;
    expect(choice).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: null, tool_calls: [{ type: 'function', function: { name: 'weather' } }] },
    });
    const [call] = choice?.message.tool_calls ?? [];
    expect(call?.type === 'function' && JSON.parse(call.function.arguments)).toEqual({ city: 'Oslo' });

    const result = { role: 'tool', tool_call_id: call?.id ?? '', content: 'twelve degrees' } as const;
    const messages = [...question, { role: 'assistant', tool_calls: [call] }, result];
    const second = await product.post(PATH, { model, messages, tools });
    expect(JSON.stringify(await second.json())).toContain('twelve degrees');
  });

  test('a streamed tool call is whole and says so', async () => {
    const stream = openai.chat.completions.stream({
      model,
      messages: says('#tool weather {"city":"Bergen"}'),
      tools: [{ type: 'function', function: WEATHER }],
    });
    const [choice] = (await stream.finalChatCompletion()).choices;
    expect(choice?.finish_reason).toBe('tool_calls');
    expect(choice?.message.tool_calls?.[0]).toMatchObject({
      function: { name: 'weather', arguments: '{"city":"Bergen"}' },
    });
  });

  test('a limit on the answer cuts it, and the answer says so', async () => {
    const answer = await openai.chat.completions.create({
      model,
      messages: says('#tokens 50'),
      max_tokens: 5,
    });
    expect(answer.choices[0]).toMatchObject({
      finish_reason: 'length',
      message: { content: 't1 t2 t3 t4 t5' },
    });
  });
});

describe('which session', () => {
  test.each([
    ['the same user', (name: string) => [{ user: name }, {}] as const],
    ['the same session key', (name: string) => [{}, { 'x-moltbot-session-key': name }] as const],
    ["upstream's header", (name: string) => [{}, { 'x-clawdbot-session-key': name }] as const],
  ])('%s remembers', async (_what, named) => {
    const [body, headers] = named(randomUUID());
    await ask({ ...body, messages: says('my word is heliotrope') }, headers);
    expect(await ask({ ...body, messages: says('#history') }, headers)).toContain('heliotrope');
  });

  test('a request that names neither remembers nothing', async () => {
    await ask({ messages: says('my word is aubergine') });
    expect(await ask({ messages: says('#history') })).not.toContain('aubergine');
  });

  test('what the request brings along is said once, although the user is remembered', async () => {
    const [user, word, marker] = [randomUUID(), randomUUID(), randomUUID()];
    await ask({ user, messages: says(word) });
    const brought = [...says(word), { role: 'assistant', content: 'noted' }];
    await ask({ user, messages: [...brought, ...says(`#echo ${marker}`)] });
    expect(JSON.stringify((await product.asked(marker)).body).split(word)).toHaveLength(2);
  });

  test('what the request brings along is known to the model', async () => {
    const messages = [...says('my word is cerulean'), { role: 'assistant', content: 'noted' }];
    expect(await ask({ messages: [...messages, ...says('#history')] })).toContain('cerulean');
  });
});

describe('T-3: an idempotency key', () => {
  const once = { 'idempotency-key': '' };
  const asked = (marker: string): number =>
    product.model.requests().filter(({ body }) => JSON.stringify(body).includes(marker)).length;

  test.each([
    ['in a session of its own', {}],
    ['in the session of a user', { user: randomUUID() }],
  ])('asks the model once and answers twice, %s', async (_what, body) => {
    const marker = randomUUID();
    const headers = { ...once, 'idempotency-key': marker };
    const messages = says(`#echo ${marker}`);
    expect(await ask({ ...body, messages }, headers)).toBe(marker);
    expect(await ask({ ...body, messages }, headers)).toBe(marker);
    expect(asked(marker)).toBe(1);
  });

  test('two at once get the same answer from one turn', async () => {
    const marker = randomUUID();
    const body = { messages: says(`#tokens 20 #delay 20 ${marker}`), user: randomUUID() };
    const both = [1, 2].map(() => ask(body, { 'idempotency-key': marker }));
    const [first, second] = await Promise.all(both);
    expect(first).toMatch(/^t1 .* t20$/);
    expect(second).toBe(first);
    expect(asked(marker)).toBe(1);
  });

  test('streams the answer of a turn that has ended', async () => {
    const marker = randomUUID();
    const body = { model, messages: says(`#echo ${marker}`), stream: true };
    const headers = { 'idempotency-key': marker };
    await (await product.post(PATH, body, headers)).text();
    const again = await sseEvents(await product.post(PATH, body, headers));
    expect(again.at(-1)?.data).toBe('[DONE]');
    const chunks = again.slice(0, -1).map(({ data }) => JSON.parse(data) as OpenAI.ChatCompletionChunk);
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(marker);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop');
    expect(asked(marker)).toBe(1);
  });

  test('a turn that failed is told, not repeated', async () => {
    const body = { model, messages: says('#tokens 9 #fault truncate 3') };
    const headers = { 'idempotency-key': randomUUID() };
    expect((await product.post(PATH, body, headers)).status).toBe(502);
    const again = await product.post(PATH, body, headers);
    expect(again.status).toBe(409);
    expect(JSON.stringify(await again.json())).toContain('its turn failed');
  });
});

describe('a client that leaves', () => {
  const leave = async (marker: string, headers: Record<string, string> = {}): Promise<void> => {
    const { url, token } = product.standalone;
    const gone = new AbortController();
    const response = await fetch(`${url}${PATH}`, {
      method: 'POST',
      signal: gone.signal,
      headers: { authorization: `Bearer ${token}`, ...headers },
      body: JSON.stringify({ model, stream: true, messages: says(`#tokens 200 #delay 20 ${marker}`) }),
    });
    const reader = response.body?.getReader();
    await reader?.read();
    await product.asked(marker);
    gone.abort();
  };

  test('aborts its run: the provider is not asked for more', async () => {
    const marker = randomUUID();
    await leave(marker);
    const request = await product.asked(marker);
    await expect.poll(() => request.outcome, { timeout: 10_000 }).toBe('aborted');
  });

  test('may come back for its answer with an idempotency key', async () => {
    const marker = randomUUID();
    const headers = { 'idempotency-key': marker };
    await leave(marker, headers);
    const answer = await ask({ messages: says(`#tokens 200 #delay 20 ${marker}`) }, headers);
    expect(answer).toMatch(/^t1 .* t200$/);
    expect((await product.asked(marker)).outcome).toBe('finished');
  });
});

describe('never a truncated answer that looks whole', () => {
  const FAULTS = ['cut 3', 'truncate 3', 'overloaded 3', 'malformed 3', '400'];

  test.each(FAULTS)('#fault %s: no finish reason and no [DONE] in a stream', async (fault) => {
    const response = await product.post(PATH, {
      model,
      messages: says(`#tokens 9 #fault ${fault}`),
      stream: true,
    });
    const events = await sseEvents(response);
    expect(events.every(({ data }) => data !== '[DONE]' && !/"finish_reason":"/.test(data))).toBe(true);
    expect(JSON.parse(events.at(-1)?.data ?? '')).toMatchObject({
      error: { message: expect.any(String), type: 'api_error' },
    });
  });

  test.each(FAULTS)('#fault %s: an error, not an answer', async (fault) => {
    const response = await product.post(PATH, { model, messages: says(`#tokens 9 #fault ${fault}`) });
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({ error: { type: 'api_error' } });
  });
});
