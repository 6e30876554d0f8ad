/** What is kept of a response, for how long, and what is read for whoever asks again. */
import { randomUUID } from 'node:crypto';
import OpenAI from 'openai';
import { sessionKeys } from '@moltbot/shared/redis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCluster, type Cluster } from '../support/cluster.ts';
import { until } from '../support/people.ts';

const model = 'moltbot';
type Event = OpenAI.Responses.ResponseStreamEvent;
type Response = OpenAI.Responses.Response;

let cluster: Cluster;
let openai: OpenAI;
beforeAll(async () => {
  cluster = await startCluster({ gateways: 1, workers: 1 });
  openai = new OpenAI({ apiKey: cluster.token, baseURL: `${cluster.gateways[0]?.url}/v1`, maxRetries: 0 });
}, 90_000);
afterAll(async () => await cluster?.[Symbol.asyncDispose]());

async function eventsOf(runId: string): Promise<string> {
  const [run = ''] = await cluster.redis.keys(`u:*:run:${runId}`);
  return sessionKeys.events((await cluster.redis.hget((await cluster.redis.get(run)) ?? '', 'sid')) ?? '');
}

async function ended(id: string): Promise<Response> {
  return await until(async () => {
    const response = await openai.responses.retrieve(id);
    return response.status === 'completed' && response;
  }, `${id} to end`);
}

test('an ended response is looked at by its record, and not by its events', async () => {
  const { id } = await openai.responses.create({ model, input: '#echo recorded', background: true });
  const whole = await ended(id);
  const events = await eventsOf(id);
  await cluster.redis.del(events);
  await cluster.redis.set(events, 'whoever reads it as a stream fails');
  expect(await openai.responses.retrieve(id)).toEqual(whole);
  expect(whole).toMatchObject(await openai.responses.cancel(id));
});

test('a response in the background is found for a day, any other for an hour', async () => {
  const lifetimeOf = async (how: object): Promise<number> => {
    const { id } = await openai.responses.create({ model, input: '#echo kept', ...how });
    const [note = ''] = await cluster.redis.keys(`u:*:response:${id}`);
    return await cluster.redis.ttl(note);
  };
  expect(await lifetimeOf({ background: true })).toBeGreaterThan(23 * 3_600);
  for (const seconds of [await lifetimeOf({}), await lifetimeOf({ background: true, store: false })]) {
    expect(seconds).toBeGreaterThan(3_000);
    expect(seconds).toBeLessThanOrEqual(3_600);
  }
});

/** As if the model had said so many words one by one, long enough ago to be nobody's presence. */
async function lengthen(events: string, words: readonly string[]): Promise<void> {
  const entries = await cluster.redis.xrange(events, '-', '+');
  const said = entries.map(
    ([, fields]) => JSON.parse(fields[fields.indexOf('e') + 1] ?? '') as { t: string },
  );
  const end = said.find(({ t }) => t === 'end') as unknown as { tid: string; run: string; message: object };
  const { tid, run } = end;
  const content = [{ type: 'text', text: words.join('') }];
  const all = [
    ...said.filter(({ t }) => t === 'accepted' || t === 'start'),
    ...words.map((text) => ({ t: 'delta', tid, run, text })),
    { ...end, message: { ...end.message, content } },
  ];
  const adding = cluster.redis.pipeline().del(events);
  for (const [at, event] of all.entries()) {
    const prev = at === 0 ? '' : `1-${at}`;
    adding.xadd(events, `1-${at + 1}`, 'n', at, 'p', prev, 'e', JSON.stringify(event));
  }
  await adding.exec();
}

async function readAll(stream: AsyncIterable<Event>): Promise<{ numbers: number[]; text: string }> {
  const events: Event[] = [];
  for await (const event of stream) events.push(event);
  expect(events.at(-1)?.type).toBe('response.completed');
  const pieces = events.flatMap((event) => (event.type === 'response.output_text.delta' ? event.delta : []));
  return { numbers: events.map((event) => event.sequence_number), text: pieces.join('') };
}

test('T-6: an answer of 12,000 pieces is read again whole, by its id, from its middle and by its key', async () => {
  const headers = { 'idempotency-key': randomUUID() };
  const body = { model, input: '#echo long', stream: true } as const;
  const first = await openai.responses.create(body, { headers });
  let id = '';
  for await (const event of first) if (event.type === 'response.created') id = event.response.id;
  const words = Array.from({ length: 12_000 }, (_, at) => `word${at} `);
  await lengthen(await eventsOf(id), words);
  const whole = await readAll(await openai.responses.retrieve(id, { stream: true }));
  expect(whole.text).toBe(words.join(''));
  const middle = whole.numbers[6_000] ?? 0;
  const query = { stream: true, starting_after: middle - 2 } as const; // two characters before the end of a piece
  const rest = await readAll(await openai.responses.retrieve(id, query));
  expect(rest.numbers).toEqual(whole.numbers.slice(6_000));
  expect(whole.text.endsWith(rest.text)).toBe(true);
  expect(rest.text.slice(2)).toBe(words.slice(6_001 - 4).join(''));
  expect(await readAll(await openai.responses.create(body, { headers }))).toEqual(whole);
});
