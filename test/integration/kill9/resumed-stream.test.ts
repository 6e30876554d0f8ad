/** A worker that dies in the middle of a streamed response: what the stream said is what every replay says. */
import OpenAI from 'openai';
import { sessionKeys } from '@moltbot/shared/redis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCluster, type Cluster } from '../../support/cluster.ts';
import { until } from '../../support/people.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ gateways: 2, workers: 2 });
}, 90_000);
afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
});

type Event = OpenAI.Responses.ResponseStreamEvent;

const at = (gateway: number): OpenAI =>
  new OpenAI({ apiKey: cluster.token, baseURL: `${cluster.gateways[gateway]?.url}/v1`, maxRetries: 0 });

async function sidOf(responseId: string): Promise<string> {
  const [run = ''] = await cluster.redis.keys(`u:*:run:${responseId}`);
  return (await cluster.redis.hget((await cluster.redis.get(run)) ?? '', 'sid')) ?? '';
}

async function killTheOwner(responseId: string): Promise<void> {
  const owner = await cluster.redis.hget(sessionKeys.state(await sidOf(responseId)), 'owner');
  const worker = cluster.workers.find(({ name }) => name === owner?.split('/')[0]);
  if (!worker) throw new Error(`no worker ${owner}`);
  await worker.signal('SIGKILL');
}

test('T-5, T-6: a response that another worker took over is the same in every replay', async () => {
  const words = Array.from({ length: 60 }, (_, word) => `t${word + 1}`).join(' ');
  const stream = await at(0).responses.create({
    model: 'moltbot',
    input: '#tokens 60 #delay 60',
    stream: true,
  });
  const live: Event[] = [];
  let id = '';
  let killed: Promise<void> | undefined;
  for await (const event of stream) {
    live.push(event);
    if (event.type === 'response.created') id = event.response.id;
    if (event.sequence_number > 8) killed ??= killTheOwner(id);
  }
  await killed;
  const attempts = (await cluster.redis.xrange(sessionKeys.events(await sidOf(id)), '-', '+')).filter(
    ([, fields]) => fields.join(' ').includes('"t":"start"'),
  );
  expect(attempts.length).toBeGreaterThan(1);
  const pieces = live.map((event) => (event.type === 'response.output_text.delta' ? event.delta : ''));
  expect(pieces.join('')).toBe(words);
  expect(live.at(-1)?.type).toBe('response.completed');

  const replay: Event[] = [];
  for await (const event of await at(1).responses.retrieve(id, { stream: true })) replay.push(event);
  expect(replay).toEqual(live);
  await until(
    () => cluster.model.requests().every(({ outcome }) => outcome !== 'open'),
    'no call is left open',
  );
});
