import { randomUUID } from 'node:crypto';
import OpenAI from 'openai';
import { beforeAll, describe, expect, test } from 'vitest';
import { startProduct, type Product } from './support/product.ts';

let product: Product;
let openai: OpenAI;
beforeAll(async () => {
  product = await startProduct();
  openai = client(product.token);
  return () => product[Symbol.asyncDispose]();
});

const client = (apiKey: string): OpenAI =>
  new OpenAI({ apiKey, baseURL: `${product.httpUrl}/v1`, maxRetries: 0 });
const model = 'moltbot';
const says = (content: string): [{ role: 'user'; content: string }] => [{ role: 'user', content }];

describe('chat.completions', () => {
  test('answers whole, says why it ended and what it used', async () => {
    const answer = await openai.chat.completions.create({ model, messages: says('#echo plain words') });
    expect(answer).toMatchObject({
      object: 'chat.completion',
      model,
      choices: [{ index: 0, message: { role: 'assistant', content: 'plain words' }, finish_reason: 'stop' }],
    });
    expect(answer.usage?.prompt_tokens).toBeGreaterThan(0);
    expect(answer.usage?.completion_tokens).toBeGreaterThan(0);
    expect(answer.usage?.total_tokens).toBe(
      (answer.usage?.prompt_tokens ?? 0) + (answer.usage?.completion_tokens ?? 0),
    );
  });

  test('streams pieces that make the whole text, and a last chunk that says why', async () => {
    const stream = await openai.chat.completions.create({
      model,
      messages: says('#tokens 40 #delay 20'),
      stream: true,
    });
    const choices = [];
    for await (const chunk of stream) choices.push(...chunk.choices);
    const pieces = choices.flatMap((choice) => choice.delta.content ?? []);
    expect(pieces.length).toBeGreaterThan(2);
    expect(pieces.join('')).toBe(Array.from({ length: 40 }, (_, at) => `t${at + 1}`).join(' '));
    expect(choices[0]?.delta.role).toBe('assistant');
    expect(choices.at(-1)?.finish_reason).toBe('stop');
  });

  test('streams the usage when asked for it', async () => {
    const stream = await openai.chat.completions.create({
      model,
      messages: says('#echo counted'),
      stream: true,
      stream_options: { include_usage: true },
    });
    const usages = [];
    for await (const chunk of stream) if (chunk.usage) usages.push(chunk.usage);
    expect(usages).toEqual([expect.objectContaining({ completion_tokens: expect.any(Number) })]);
    expect(usages[0]?.total_tokens).toBeGreaterThan(0);
  });

  test('reads the same under an idempotency key, when every chunk has an id', async () => {
    const headers = { 'Idempotency-Key': randomUUID() };
    const body = { model, messages: says('#tokens 20 #delay 20') };
    const stream = await openai.chat.completions.create({ ...body, stream: true }, { headers });
    const pieces: string[] = [];
    for await (const { choices } of stream) pieces.push(choices[0]?.delta.content ?? '');
    const completion = await openai.chat.completions.stream(body, { headers }).finalChatCompletion();
    expect(completion.choices[0]?.message.content).toBe(pieces.join(''));
    expect(pieces.join('')).toMatch(/^t1 .* t20$/);
  });

  test("feeds the SDK's own stream helper to its end", async () => {
    const stream = openai.chat.completions.stream({ model, messages: says('#echo helped') });
    const completion = await stream.finalChatCompletion();
    expect(completion.choices[0]).toMatchObject({
      finish_reason: 'stop',
      message: { role: 'assistant', content: 'helped' },
    });
  });

  test('passes the system message on to the model', async () => {
    const answer = await openai.chat.completions.create({
      model,
      messages: [{ role: 'system', content: 'Answer in rhyme.' }, ...says('#system')],
    });
    expect(answer.choices[0]?.message.content).toContain('Answer in rhyme.');
  });

  test('keeps one session a user', async () => {
    const user = randomUUID();
    await openai.chat.completions.create({ model, user, messages: says('my word is heliotrope') });
    const answer = await openai.chat.completions.create({ model, user, messages: says('#history') });
    expect(answer.choices[0]?.message.content).toContain('heliotrope');
  });
});

describe('responses', () => {
  test('answers whole', async () => {
    const response = await openai.responses.create({ model, input: '#echo plain response' });
    expect(response).toMatchObject({ object: 'response', status: 'completed', model });
    expect(response.output_text).toBe('plain response');
    expect(response.usage?.total_tokens).toBeGreaterThan(0);
  });

  test('streams the events of a response in their order', async () => {
    const stream = await openai.responses.create({ model, input: '#tokens 20 #delay 20', stream: true });
    const events = [];
    for await (const event of stream) events.push(event);
    const types = events.map((event) => event.type);
    expect(types.filter((type, at) => type !== types[at - 1])).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
    const numbers = events.map((event) => event.sequence_number);
    expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
    const text = events.flatMap((event) => (event.type === 'response.output_text.delta' ? event.delta : []));
    expect(text.length).toBeGreaterThan(2);
    expect(text.join('')).toBe(Array.from({ length: 20 }, (_, at) => `t${at + 1}`).join(' '));
  });

  test('runs in the background until it is asked for, and is cancelled', async () => {
    const begun = await openai.responses.create({ model, input: '#tokens 20', background: true });
    expect(begun).toMatchObject({ status: 'queued', background: true });
    await expect
      .poll(async () => (await openai.responses.retrieve(begun.id)).status, { timeout: 20_000 })
      .toBe('completed');
    const endless = await openai.responses.create({ model, input: '#fault endless', background: true });
    expect((await openai.responses.cancel(endless.id)).status).toBe('cancelled');
  });

  test("is read again by the SDK's own stream helper", async () => {
    const { id } = await openai.responses.create({ model, input: '#echo once more' });
    const again = openai.responses.stream({ response_id: id });
    expect((await again.finalResponse()).output_text).toBe('once more');
    await expect(openai.responses.retrieve('resp_0')).rejects.toThrow(OpenAI.NotFoundError);
  });

  test("goes on in the SDK's own stream helper behind a number, though numbers leave some out", async () => {
    const stream = await openai.responses.create({ model, input: '#tokens 9', stream: true });
    const events = [];
    for await (const event of stream) events.push(event);
    const seen = events.findIndex(({ type }) => type === 'response.output_text.delta');
    const [first, number] = [events[0], events[seen]?.sequence_number];
    if (first?.type !== 'response.created' || number === undefined) throw new Error('it has words');
    const again = openai.responses.stream({ response_id: first.response.id, starting_after: number });
    const rest: number[] = [];
    for await (const event of again) rest.push(event.sequence_number);
    expect(rest).toEqual(events.slice(seen + 1).map((event) => event.sequence_number));
    expect((await again.finalResponse()).output_text).toBe('t1 t2 t3 t4 t5 t6 t7 t8 t9');
  });

  test("feeds the SDK's own stream helper to its end", async () => {
    const response = await openai.responses.stream({ model, input: '#echo helped' }).finalResponse();
    expect(response.output_text).toBe('helped');
  });
});

test('models.list names at least one model', async () => {
  const { data } = await openai.models.list();
  expect(data).toContainEqual(expect.objectContaining({ object: 'model', id: expect.any(String) }));
});

describe('what goes wrong becomes the error the SDK has for it', () => {
  const ask = (token: string, content: string): Promise<unknown> =>
    client(token).chat.completions.create({ model, messages: says(content) });

  test('a wrong token', async () => {
    const failure = ask('wrong', 'hello');
    await expect(failure).rejects.toThrow(OpenAI.AuthenticationError);
    await expect(failure).rejects.toMatchObject({ status: 401, type: 'unauthorized' });
    await expect(client('wrong').models.list()).rejects.toThrow(OpenAI.AuthenticationError);
    await expect(client('wrong').responses.create({ model, input: 'hello' })).rejects.toThrow(
      OpenAI.AuthenticationError,
    );
  });

  test('no user message', async () => {
    const failure = openai.chat.completions.create({ model, messages: [] });
    await expect(failure).rejects.toThrow(OpenAI.BadRequestError);
    await expect(failure).rejects.toThrow('Missing user message in `messages`.');
  });

  test('a response without input', async () => {
    const failure = openai.responses.create({ model, input: [] });
    await expect(failure).rejects.toThrow(OpenAI.BadRequestError);
    await expect(failure).rejects.toThrow('Missing user message in `input`.');
  });

  test('a provider that refuses', async () => {
    await expect(ask(product.token, '#fault 400')).rejects.toThrow(OpenAI.InternalServerError);
  });

  test('a provider that fails in the middle of a stream', async () => {
    const stream = await openai.chat.completions.create({
      model,
      messages: says('#tokens 20 #fault overloaded 3'),
      stream: true,
    });
    const read = async (): Promise<void> => {
      for await (const chunk of stream) expect(chunk.object).toBe('chat.completion.chunk');
    };
    await expect(read()).rejects.toThrow(OpenAI.APIError);
  });

  test('a provider that fails in the middle of a streamed response', async () => {
    const stream = await openai.responses.create({
      model,
      input: '#tokens 20 #fault overloaded 3',
      stream: true,
    });
    const types: string[] = [];
    for await (const event of stream) types.push(event.type);
    expect(types.at(-1)).toBe('response.failed');
  });
});
