import { randomUUID } from 'node:crypto';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PNG, sseEvents, startHttpProduct, type HttpProduct } from '../support/http-product.ts';

const PATH = '/v1/responses';
const model = 'moltbot';
const WEATHER = { type: 'function', name: 'weather', strict: false, parameters: { type: 'object' } } as const;

type Failed = {
  type: string;
  response: { status: string; error: { code: string; message: string }; output: unknown[] };
};

let product: HttpProduct;
let openai: OpenAI;
beforeAll(async () => {
  product = await startHttpProduct();
  const { url, token } = product.standalone;
  openai = new OpenAI({ apiKey: token, baseURL: `${url}/v1`, maxRetries: 0 });
});
afterAll(() => product[Symbol.asyncDispose]());

const text = async (body: object): Promise<string> => {
  const { output_text } = await openai.responses.create({
    model,
    ...body,
  } as OpenAI.Responses.ResponseCreateParamsNonStreaming);
  return output_text;
};

describe('what comes out', () => {
  test('a whole response: status, output, usage, and what was asked', async () => {
    const metadata = { ticket: '42' };
    const response = await openai.responses.create({
      model,
      input: '#echo plain',
      instructions: 'Be brief.',
      metadata,
      temperature: 0.3,
      store: false,
    });
    expect(response).toMatchObject({
      id: expect.stringMatching(/^resp_/),
      object: 'response',
      status: 'completed',
      model,
      instructions: 'Be brief.',
      metadata,
      error: null,
      incomplete_details: null,
      output: [
        {
          type: 'message',
          role: 'assistant',
          status: 'completed',
          content: [{ type: 'output_text', text: 'plain', annotations: [] }],
        },
      ],
    });
    const { usage } = response;
    expect(usage).toMatchObject({
      input_tokens_details: { cached_tokens: 0 },
      output_tokens_details: { reasoning_tokens: 0 },
    });
    expect(usage?.total_tokens).toBe((usage?.input_tokens ?? 0) + (usage?.output_tokens ?? 0));
    expect(usage?.input_tokens).toBeGreaterThan(0);
  });

  test.each<[string, Record<string, string>]>([
    [
      'metadata: at most 16 pairs, not 17',
      Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`k${at}`, ''])),
    ],
    ['metadata: a key has at most 64 characters', { ['k'.repeat(65)]: '' }],
    ['metadata: a value has at most 512 characters', { k: 'v'.repeat(513) }],
  ])('refuses what OpenAI would: %s', async (why, metadata) => {
    const refused = openai.responses.create({ model, input: '#echo no', metadata });
    await expect(refused).rejects.toThrow(OpenAI.BadRequestError);
    await expect(refused).rejects.toThrow(why);
  });

  test('as much metadata as OpenAI takes is taken and said again', async () => {
    const pairs = Array.from({ length: 16 }, (_, at) => [`${at}`.padEnd(64, 'k'), 'v'.repeat(512)]);
    const metadata = Object.fromEntries(pairs) as Record<string, string>;
    expect(await openai.responses.create({ model, input: '#echo yes', metadata })).toMatchObject({
      metadata,
    });
  });

  test('a limit on the answer makes it incomplete, with the reason', async () => {
    const incomplete = { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } };
    const whole = await openai.responses.create({ model, input: '#tokens 50', max_output_tokens: 5 });
    expect(whole).toMatchObject(incomplete);
    expect(whole.output_text).toBe('t1 t2 t3 t4 t5');

    const stream = await openai.responses.create({
      model,
      input: '#tokens 50',
      max_output_tokens: 5,
      stream: true,
    });
    const events = [];
    for await (const event of stream) events.push(event);
    expect(events.at(-1)).toMatchObject({ type: 'response.incomplete', response: incomplete });
  });

  test('events are numbered, and every event of an item names it', async () => {
    const events = await sseEvents(await product.post(PATH, { model, input: '#tokens 9', stream: true }));
    expect(events.at(-1)?.data).toBe('[DONE]');
    const said = events
      .slice(0, -1)
      .map(({ event, data }) => ({ event, data: JSON.parse(data) as Record<string, unknown> }));
    const numbers = said.map(({ data }) => Number(data['sequence_number']));
    expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
    expect(numbers.at(-1)).toBe('t1 t2 t3 t4 t5 t6 t7 t8 t9'.length + 7);
    expect(said.map(({ data }) => data['type'])).toEqual(said.map(({ event }) => event));
    const ids = said.flatMap(
      ({ data }) => data['item_id'] ?? (data['item'] as { id: string } | undefined)?.id ?? [],
    );
    expect(new Set(ids).size).toBe(1);
    expect(ids.length).toBeGreaterThan(5);
  });

  test('a tool call streams as a function call of its own', async () => {
    const input = '#tool weather {"city":"Oslo"}';
    const stream = openai.responses.stream({ model, input, tools: [WEATHER] });
    const types: string[] = [];
    for await (const event of stream) types.push(event.type);
    expect(types).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.function_call_arguments.delta',
      'response.function_call_arguments.done',
      'response.output_item.done',
      'response.completed',
    ]);
    const { output, status } = await stream.finalResponse();
    expect(status).toBe('completed');
    expect(output).toMatchObject([{ type: 'function_call', name: 'weather', arguments: '{"city":"Oslo"}' }]);
  });
});

describe('what goes in', () => {
  test('instructions and system items are the system prompt', async () => {
    const input = [
      { role: 'developer', content: 'Answer in verse.' },
      { role: 'user', content: '#system' },
    ];
    expect(await text({ instructions: 'Be brief.', input })).toMatch(/Be brief\.\s+Answer in verse\./);
  });

  test('images and text files in the request reach the model', async () => {
    const marker = randomUUID();
    const file = `data:text/csv;base64,${Buffer.from('city,degrees\nÅlesund,12').toString('base64')}`;
    const content = [
      { type: 'input_image', image_url: `data:image/png;base64,${PNG}` },
      { type: 'input_file', filename: 'towns.csv', file_data: file },
      { type: 'input_text', text: `#echo ${marker}` },
    ];
    expect(await text({ input: [{ role: 'user', content }] })).toBe(marker);
    const { body } = await product.asked(marker);
    expect(JSON.stringify(body)).toContain(PNG);
    expect(JSON.stringify(body)).toContain('<file name=\\"towns.csv\\">\\ncity,degrees\\nÅlesund,12');
  });

  test.each([
    ['flat', WEATHER],
    ['nested', { type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }],
  ])('tools in the %s form; the whole conversation comes back with the result', async (_form, tool) => {
    const question = { role: 'user', content: '#tool weather {"city":"Oslo"}' };
    const first = await product.post(PATH, { model, input: [question], tools: [tool] });
    const { output } = (await first.json()) as { output: { call_id: string }[] };
    const result = { type: 'function_call_output', call_id: output[0]?.call_id, output: 'twelve degrees' };
    expect(await text({ input: [question, ...output, result], tools: [tool] })).toContain('twelve degrees');
  });

  test('tool_choice is passed on', async () => {
    const marker = randomUUID();
    await text({
      input: `#echo ${marker}`,
      tools: [WEATHER],
      tool_choice: { type: 'function', name: 'weather' },
    });
    expect((await product.asked(marker)).body).toMatchObject({
      tool_choice: { type: 'tool', name: 'weather' },
    });
  });
});

describe('previous_response_id', () => {
  const first = async (): Promise<OpenAI.Responses.Response> =>
    await openai.responses.create({ model, input: 'my word is vermilion' });

  test('goes on with the conversation of that response, again and again', async () => {
    const one = await first();
    const two = await openai.responses.create({
      model,
      input: 'and my number is 17',
      previous_response_id: one.id,
    });
    expect(two.previous_response_id).toBe(one.id);
    const history = await text({ input: '#history', previous_response_id: two.id });
    expect(history).toContain('vermilion');
    expect(history).toContain('17');
  });

  test('takes the result of a tool alone', async () => {
    const call = await openai.responses.create({
      model,
      input: '#tool weather {"city":"Oslo"}',
      tools: [WEATHER],
    });
    const [item] = call.output;
    const call_id = item?.type === 'function_call' ? item.call_id : '';
    const input = [{ type: 'function_call_output', call_id, output: 'twelve degrees' }];
    expect(await text({ input, tools: [WEATHER], previous_response_id: call.id })).toContain(
      'twelve degrees',
    );
  });

  test('does not fork: only the latest response goes on', async () => {
    const one = await first();
    await openai.responses.create({ model, input: 'on', previous_response_id: one.id });
    const fork = openai.responses.create({ model, input: 'elsewhere', previous_response_id: one.id });
    await expect(fork).rejects.toThrow(OpenAI.BadRequestError);
    await expect(fork).rejects.toThrow(/cannot fork/);
  });

  test('may be tried again after a failure', async () => {
    const one = await first();
    const failing = openai.responses.create({
      model,
      input: '#tokens 9 #fault truncate 3',
      previous_response_id: one.id,
    });
    await expect(failing).rejects.toThrow(OpenAI.InternalServerError);
    expect(await text({ input: '#history', previous_response_id: one.id })).toContain('vermilion');
  });

  test('of a `user` is refused, because the session of the user goes on by itself', async () => {
    const user = randomUUID();
    const { id } = await openai.responses.create({ model, user, input: 'my word is ochre' });
    const continued = openai.responses.create({ model, user, input: '#history', previous_response_id: id });
    await expect(continued).rejects.toThrow(/leave it out/);
    expect(await text({ user, input: '#history' })).toContain('ochre');
  });

  test.each(['resp_00000000000000000000000000000000_00000000', 'resp_', 'x'])(
    '%s is not found',
    async (id) => {
      const unknown = openai.responses.create({ model, input: 'hello', previous_response_id: id });
      await expect(unknown).rejects.toThrow(`Previous response with id '${id}' not found.`);
    },
  );
});

test('T-3: an idempotency key answers again with the same response', async () => {
  const marker = randomUUID();
  const headers = { 'idempotency-key': marker };
  const send = async (
    previous?: string,
  ): Promise<{ id: string; output: { content: { text: string }[] }[] }> => {
    const body = {
      model,
      input: `#echo ${marker}`,
      ...(previous !== undefined && { previous_response_id: previous }),
    };
    return (await (await product.post(PATH, body, headers)).json()) as Awaited<ReturnType<typeof send>>;
  };
  const [one, again] = [await send(), await send()];
  expect(again.id).toBe(one.id);
  expect(again.output[0]?.content[0]?.text).toBe(marker);
  const [next, nextAgain] = [await send(one.id), await send(one.id)];
  expect(next.id).not.toBe(one.id);
  expect(nextAgain.id).toBe(next.id);
  const asked = product.model.requests().filter(({ body }) => JSON.stringify(body).includes(marker));
  expect(asked).toHaveLength(2);
});

describe('never a truncated answer that looks whole', () => {
  test.each(['cut 3', 'truncate 3', 'overloaded 3', 'malformed 3', '400'])('#fault %s', async (fault) => {
    const input = `#tokens 9 #fault ${fault}`;
    const events = await sseEvents(await product.post(PATH, { model, input, stream: true }));
    expect(events.some(({ event, data }) => event === 'response.completed' || data === '[DONE]')).toBe(false);
    const last = JSON.parse(events.at(-1)?.data ?? '') as Failed;
    expect(last).toMatchObject({
      type: 'response.failed',
      response: { status: 'failed', error: { code: 'server_error', message: expect.any(String) } },
    });
    for (const item of last.response.output) expect(item).toMatchObject({ status: 'incomplete' });

    const whole = await product.post(PATH, { model, input });
    expect(whole.status).toBe(502);
    expect(await whole.json()).toMatchObject({ error: { type: 'api_error', code: 'provider_failed' } });
  });
});
