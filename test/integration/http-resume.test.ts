/** Two gateways, each a process of its own: what one of them began to answer, the other goes on with. */
import { randomUUID } from 'node:crypto';
import OpenAI from 'openai';
import { sessionKeys } from '@moltbot/shared/redis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCluster, type Cluster, type Gateway } from '../support/cluster.ts';
import { sseEvents } from '../support/http-product.ts';
import { listen, newPerson, until, type Listener } from '../support/people.ts';

const model = 'moltbot';
const wordsUpTo = (count: number): string => Array.from({ length: count }, (_, at) => `t${at + 1}`).join(' ');

type Event = OpenAI.Responses.ResponseStreamEvent;
type Response = OpenAI.Responses.Response;

let cluster: Cluster;
let admin: Listener;
let a: Gateway;
let b: Gateway;
beforeAll(async () => {
  cluster = await startCluster({ gateways: 2, workers: 2, env: { GATEWAY_DRAIN_MS: '20000' } });
  const [first, second] = cluster.gateways;
  if (!first || !second) throw new Error('two gateways');
  [a, b] = [first, second];
  admin = listen(b.wsUrl, cluster.token);
}, 90_000);
afterAll(async () => {
  admin?.client.close();
  await cluster?.[Symbol.asyncDispose]();
});

const at = (gateway: Gateway, apiKey = cluster.token): OpenAI =>
  new OpenAI({ apiKey, baseURL: `${gateway.url}/v1`, maxRetries: 0 });

async function post(
  gateway: Gateway,
  path: string,
  body: object,
  headers = {},
): Promise<globalThis.Response> {
  return await fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${cluster.token}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

/** Reads until it ends or breaks off; after `count` pieces of text something happens, once. */
async function readEvents(
  stream: AsyncIterable<Event>,
  count = Infinity,
  then?: () => Promise<void>,
): Promise<Event[]> {
  const events: Event[] = [];
  let happened: Promise<void> | undefined;
  try {
    for await (const event of stream) {
      events.push(event);
      if (events.filter(isDelta).length >= count) happened ??= then?.();
    }
  } catch (error) {
    if (!happened) throw error; // else it was broken off, as it should be
  }
  await happened;
  return events;
}
const isDelta = (event: Event): boolean => event.type === 'response.output_text.delta';
const textOf = (events: readonly Event[]): string =>
  events.map((event) => (event.type === 'response.output_text.delta' ? event.delta : '')).join('');
const idOf = ([first]: readonly Event[]): string =>
  first?.type === 'response.created' ? first.response.id : '';
const numbersOf = (events: readonly Event[]): number[] => events.map((event) => event.sequence_number);
const outcomeOf = async (marker: string): Promise<() => string> => {
  const request = await until(
    () => cluster.model.requests().findLast(({ body }) => JSON.stringify(body).includes(marker)),
    marker,
  );
  return () => request.outcome;
};
const status = async (id: string, wanted: string, through = b): Promise<Response> =>
  await until(async () => {
    const response = await at(through).responses.retrieve(id);
    return response.status === wanted && response;
  }, `${id} to be ${wanted}`);

const eventsOf = async (runId: string): Promise<string> => {
  const [run = ''] = await cluster.redis.keys(`u:*:run:${runId}`);
  return sessionKeys.events((await cluster.redis.hget((await cluster.redis.get(run)) ?? '', 'sid')) ?? '');
};

/** What a session's stream holds goes ten minutes after it is archived; here at once. */
async function trim(runId: string): Promise<void> {
  expect(await cluster.redis.xtrim(await eventsOf(runId), 'MAXLEN', 0)).toBeGreaterThan(0);
}

describe('a response whose gateway is killed', () => {
  test.each([
    ['in the background', { background: true }],
    ['in the foreground', {}],
  ])('T-6, T-7: goes on through the other, after the event that was seen last, %s', async (_how, how) => {
    const input = `#tokens 80 #delay 30 ${randomUUID()}`;
    const begun = await readEvents(
      await at(a).responses.create({ model, input, stream: true, ...how }),
      5,
      async () => await a.signal('SIGKILL'),
    );
    expect(textOf(begun).length).toBeLessThan(wordsUpTo(80).length);
    const seen = begun.at(-1)?.sequence_number ?? -1;
    const query = { stream: true, starting_after: seen } as const;
    const rest = await readEvents(await at(b).responses.retrieve(idOf(begun), query));
    await a.start();
    const all = [...begun, ...rest];
    expect(numbersOf(all)).toEqual([...new Set(numbersOf(all))].toSorted((x, y) => x - y));
    expect(textOf(all)).toBe(wordsUpTo(80));
    expect(all.at(-1)).toMatchObject({
      type: 'response.completed',
      response: { id: idOf(begun), status: 'completed', output: [{ content: [{ text: wordsUpTo(80) }] }] },
    });
    expect(await readEvents(await at(a).responses.retrieve(idOf(begun), { stream: true }))).toEqual(all);
  });

  test("T-6, T-7: goes on with the SDK's own stream helper", async () => {
    const begun = await readEvents(
      await at(a).responses.create({ model, input: '#tokens 60 #delay 30', stream: true }),
      5,
      async () => await a.signal('SIGKILL'),
    );
    const seen = begun.at(-1)?.sequence_number ?? -1;
    const helped = at(b).responses.stream({ response_id: idOf(begun), starting_after: seen });
    const rest: Event[] = [];
    for await (const event of helped) rest.push(event as Event);
    await a.start();
    expect(rest[0]?.sequence_number).toBeGreaterThan(seen);
    expect(textOf(begun) + textOf(rest)).toBe(wordsUpTo(60));
    expect((await helped.finalResponse()).output_text).toBe(wordsUpTo(60));
  });
});

describe('a response in the background', () => {
  test('is queued, in progress and completed, for whoever asks any replica', async () => {
    const user = randomUUID();
    const ask = async (input: string): Promise<Response> =>
      await at(a).responses.create({ model, user, input, background: true });
    const [first, second] = [await ask('#tokens 60 #delay 50'), await ask('#echo second')];
    expect([first.status, second.status]).toEqual(['queued', 'queued']);
    expect(first).toMatchObject({ background: true, output: [], user });
    const running = await until(async () => {
      const response = await at(b).responses.retrieve(first.id);
      return response.output_text !== '' && response;
    }, 'its first words');
    expect(running.status).toBe('in_progress');
    expect(wordsUpTo(60).startsWith(running.output_text)).toBe(true);
    expect((await at(b).responses.retrieve(second.id)).status).toBe('queued');
    const ended = await status(first.id, 'completed');
    expect(ended).toMatchObject({ output_text: wordsUpTo(60), created_at: first.created_at, error: null });
    expect((await status(second.id, 'completed')).output_text).toBe('second');
  });

  test('says when it was cut by its limit, and when it failed', async () => {
    const body = { model, background: true } as const;
    const cut = await at(a).responses.create({ ...body, input: '#tokens 50', max_output_tokens: 5 });
    const failed = await at(a).responses.create({ ...body, input: '#tokens 9 #fault truncate 3' });
    expect(await status(cut.id, 'incomplete')).toMatchObject({
      output_text: 't1 t2 t3 t4 t5',
      incomplete_details: { reason: 'max_output_tokens' },
    });
    expect(await status(failed.id, 'failed')).toMatchObject({
      error: { code: 'server_error', message: expect.any(String) },
    });
  });

  test('goes on when its reader leaves', async () => {
    const marker = randomUUID();
    const input = `#tokens 40 #delay 20 ${marker}`;
    const stream = await at(a).responses.create({ model, input, background: true, stream: true });
    const types: string[] = [];
    let id = '';
    for await (const event of stream) {
      if (event.type === 'response.created') id = event.response.id;
      types.push(event.type);
      if (isDelta(event)) break; // which closes the connection
    }
    expect(types.slice(0, 3)).toEqual(['response.created', 'response.queued', 'response.in_progress']);
    expect((await status(id, 'completed')).output_text).toBe(wordsUpTo(40));
    expect((await outcomeOf(marker))()).toBe('finished');
  });

  test('T-3: is the same one when its request is repeated', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const body = { model, input: '#echo once', background: true } as const;
    const first = await at(a).responses.create(body, { headers });
    await status(first.id, 'completed');
    const again = await at(b).responses.create(body, { headers });
    expect(again).toMatchObject({ id: first.id, created_at: first.created_at, status: 'completed' });
    expect(again.output_text).toBe('once');
  });
});

describe('a response that is cancelled', () => {
  test('stops through the other gateway, and stays what it was', async () => {
    const marker = randomUUID();
    const input = `#fault endless ${marker}`;
    const { id } = await at(a).responses.create({ model, input, background: true });
    const outcome = await outcomeOf(marker);
    const cancelled = await at(b).responses.cancel(id);
    expect(cancelled).toMatchObject({ id, status: 'cancelled' });
    await expect.poll(outcome).toBe('aborted');
    expect(await at(a).responses.cancel(id)).toEqual(cancelled);
    expect(await at(a).responses.retrieve(id)).toMatchObject(cancelled);
  });

  test('ends the stream of whoever reads it, and does not look whole', async () => {
    const stream = await at(a).responses.create({ model, input: '#fault endless', stream: true });
    const events: Event[] = [];
    for await (const event of stream) {
      if (isDelta(event) && !events.some(isDelta)) await at(b).responses.cancel(idOf(events));
      events.push(event);
    }
    expect(events.at(-1)).toMatchObject({ type: 'response.failed', response: { status: 'cancelled' } });
  });

  test('answers as it ended when it has', async () => {
    const { id } = await at(a).responses.create({ model, input: '#echo done' });
    const output = [{ content: [{ text: 'done' }] }];
    expect(await at(b).responses.cancel(id)).toMatchObject({ status: 'completed', output });
  });
});

test('C-3: somebody else’s response answers like a missing one', async () => {
  const other = await newPerson(admin, `u-${randomUUID().slice(0, 8)}`);
  const { id } = await at(a).responses.create({ model, input: '#echo mine' });
  const missing = `resp_${randomUUID().replaceAll('-', '')}`;
  const asked = async (path: string, method: string): Promise<[number, string]> => {
    const headers = { authorization: `Bearer ${other.token}` };
    const response = await fetch(`${b.url}/v1/responses/${path}`, { method, headers });
    return [response.status, await response.text()];
  };
  for (const [path, method] of [
    ['', 'GET'],
    ['?stream=true&starting_after=3', 'GET'],
    ['/cancel', 'POST'],
  ] as const) {
    const [theirs, nobodys] = [await asked(id + path, method), await asked(missing + path, method)];
    expect(theirs[0]).toBe(404);
    expect(theirs[1].replaceAll(id, missing)).toBe(nobodys[1]);
  }
});

describe('a response whose events are no longer kept', () => {
  test('T-6: still says its whole text to whoever had some of it', async () => {
    const { id } = await at(a).responses.create({ model, input: '#tokens 30', background: true });
    const whole = await status(id, 'completed');
    const before = await readEvents(await at(a).responses.retrieve(id, { stream: true }));
    await trim(id);
    expect(await at(b).responses.retrieve(id)).toEqual(whole);
    const all = await readEvents(await at(b).responses.retrieve(id, { stream: true }));
    expect(textOf(all)).toBe(wordsUpTo(30));
    expect(all.map(({ type }) => type)).toEqual(
      before.map(({ type }) => type).filter((type, index, types) => type !== types[index - 1]),
    );
    const seen = before.find(isDelta)?.sequence_number ?? -1;
    const rest = await readEvents(await at(b).responses.retrieve(id, { stream: true, starting_after: seen }));
    expect(`t1${textOf(rest)}`).toBe(wordsUpTo(30));
    expect(rest.map(({ type }) => type)).toEqual([
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
    expect(numbersOf(rest).slice(-4)).toEqual(numbersOf(before).slice(-4));
    expect(rest[1]).toMatchObject({ text: wordsUpTo(30) });
    expect(rest.at(-1)).toMatchObject({ response: { output: whole.output } });
  });
});

describe.each([
  ['/v1/chat/completions', { model, stream: true }],
  ['/v1/messages', { model, max_tokens: 1_000, stream: true }],
])('%s under an Idempotency-Key', (path, body) => {
  const says = (content: string): object => ({ ...body, messages: [{ role: 'user', content }] });
  const textIn = (bytes: string): string => {
    const pieces = [...bytes.matchAll(/"(?:content|text)":"((?:t\d+| )+)"/g)];
    return pieces.map(([, piece = '']) => piece).join('');
  };
  const lastId = (bytes: string): string => [...bytes.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? '';

  /** The bytes until the gateway is killed, cut off behind the last whole frame. */
  async function until5thWord(response: globalThis.Response): Promise<string> {
    const decoder = new TextDecoder();
    let bytes = '';
    try {
      for await (const chunk of response.body ?? []) {
        bytes += decoder.decode(chunk as Uint8Array, { stream: true });
        if (textIn(bytes).includes('t5')) await a.signal('SIGKILL');
      }
    } catch {
      return bytes.slice(0, bytes.lastIndexOf('\n\n') + 2);
    }
    throw new Error('it was not broken off');
  }

  test('T-6, T-7: goes on after the last event that was seen, through the other gateway', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const asked = says('#tokens 80 #delay 30');
    const begun = await until5thWord(await post(a, path, asked, key));
    const again = await post(b, path, asked, { ...key, 'last-event-id': lastId(begun) });
    const rest = await again.text();
    await a.start();
    expect(again.status).toBe(200);
    expect(textIn(begun) + textIn(rest)).toBe(wordsUpTo(80));
    expect(rest).not.toMatch(/"role":"assistant"|message_start/);
    expect(rest).toMatch(/"finish_reason":"stop"|"stop_reason":"end_turn"/);
    const nothing = await (await post(a, path, asked, { ...key, 'last-event-id': lastId(rest) })).text();
    expect(nothing).not.toMatch(/"choices"|"delta"/);
  });

  test('T-6: a place that is gone, or of another answer, is refused before anything is said', async () => {
    const [key, other] = [randomUUID(), randomUUID()].map((id) => ({ 'idempotency-key': id }));
    const asked = says('#tokens 20');
    const [mine, theirs] = [
      await (await post(a, path, asked, key)).text(),
      await (await post(a, path, asked, other)).text(),
    ];
    const refused = async (place: string, headers: object | undefined = key): Promise<[number, string]> => {
      const response = await post(b, path, asked, { ...headers, 'last-event-id': place });
      return [response.status, await response.text()];
    };
    const conflict = [409, expect.stringContaining('ask again without Last-Event-ID for the whole answer')];
    expect(await refused(lastId(theirs))).toEqual(conflict);
    expect(await refused('1-1')).toEqual(conflict);
    expect(await refused('elsewhere')).toEqual(conflict);
    const neverSent = { 'idempotency-key': randomUUID() };
    expect(await refused(lastId(mine), neverSent)).toEqual(conflict);
    expect((await refused(lastId(mine), {}))[0]).toBe(400);
    await trim(key?.['idempotency-key'] ?? '');
    expect(await refused(lastId(mine))).toEqual(conflict);
    expect(textIn(await (await post(b, path, asked, key)).text())).toBe(wordsUpTo(20));
  });
});

describe('T-7: a gateway that is told to stop', () => {
  const MESSAGES = (marker: string): object => ({
    model,
    messages: [{ role: 'user', content: `#tokens 60 #delay 30 ${marker}` }],
  });

  test('answers what it has begun, and sends away who can go on elsewhere', async () => {
    const [plain, streamed, keyed, response] = ['plain', 'streamed', 'keyed', 'response'].map(
      (what) => `${what} ${randomUUID()}`,
    ) as [string, string, string, string];
    const chat = '/v1/chat/completions';
    const key = { 'idempotency-key': randomUUID() };
    const bodies: [object, Record<string, string>][] = [
      [MESSAGES(plain), {}],
      [{ ...MESSAGES(streamed), stream: true }, {}],
      [{ ...MESSAGES(keyed), stream: true }, key],
    ];
    const asked = Promise.allSettled(
      bodies.map(async ([body, headers]) => await (await post(a, chat, body, headers)).text()),
    );
    let outcomes: (() => string)[] = [];
    const begun = await readEvents(
      await at(a).responses.create({ model, input: `#tokens 60 #delay 30 ${response}`, stream: true }),
      2,
      async () => {
        outcomes = await Promise.all([plain, streamed, keyed, response].map(outcomeOf));
        await a.signal('SIGTERM');
      },
    );
    const [whole, stream, cut] = await asked;
    expect(whole).toMatchObject({ status: 'fulfilled', value: expect.stringContaining(wordsUpTo(60)) });
    expect(stream).toMatchObject({ status: 'fulfilled', value: expect.stringContaining('data: [DONE]') });
    expect(cut?.status).toBe('rejected');
    const id = idOf(begun);
    const seen = begun.at(-1)?.sequence_number ?? -1;
    const rest = await readEvents(await at(b).responses.retrieve(id, { stream: true, starting_after: seen }));
    expect(textOf(begun) + textOf(rest)).toBe(wordsUpTo(60));
    const again = await sseEvents(await post(b, chat, { ...MESSAGES(keyed), stream: true }, key));
    expect(again.at(-1)?.data).toBe('[DONE]');
    for (const outcome of outcomes) await expect.poll(outcome, { timeout: 20_000 }).toBe('finished');
    await a.start();
  });
});
