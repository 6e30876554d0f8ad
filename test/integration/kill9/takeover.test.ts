/** What becomes of an answer whose worker died half-way: whether the next one goes on from there, and what is kept when none does. */
import { createHash, randomUUID } from 'node:crypto';
import { QUEUE_PREFIX, queueName, type LoggedEvent, type NumberedRecord } from '@moltbot/shared/contracts';
import { sessionKeys } from '@moltbot/shared/redis';
import { beginTurn, emitEvent, MAX_ATTEMPTS, readEntry, readEvents, readRecords } from '@moltbot/turns';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defaultConfig, startCluster, type Cluster } from '../../support/cluster.ts';
import { listen, newPerson, shownText, until, type Listener, type Person } from '../../support/people.ts';

const USER = 'alice';
const MODEL = { name: 'Demo', input: ['text'], reasoning: true, maxTokens: 64_000 };
const PREFILLING = ['goes-on', 'refuses'];
/** Longer than a lease, and than a worker used to wait. */
const OUTAGE_MS = 10_000;

let cluster: Cluster;
let admin: Listener;
let person: Person;
let user: Listener;
beforeAll(async () => {
  const { models, agents } = defaultConfig('') as {
    models: { providers: { watched: object } };
    agents: object;
  };
  const entries = [{ ...MODEL, id: 'demo-1' }, ...PREFILLING.map((id) => ({ ...MODEL, id, prefill: true }))];
  const config = (baseUrl: string): Record<string, unknown> => {
    const watched = { ...models.providers.watched, baseUrl, models: entries };
    const spoken = { ...watched, baseUrl: `${baseUrl}/v1`, api: 'openai-completions' };
    return { models: { providers: { watched, spoken } }, agents };
  };
  cluster = await startCluster({ gateways: 1, workers: 2, config });
  const url = cluster.gateways[0]?.wsUrl ?? '';
  admin = listen(url, cluster.token);
  person = await newPerson(admin, USER);
  user = listen(url, person.token);
}, 90_000);
afterAll(async () => {
  user?.client.close();
  admin?.client.close();
  await cluster?.[Symbol.asyncDispose]();
});

const words = (count: number): string => Array.from({ length: count }, (_, at) => `t${at + 1}`).join(' ');
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

type Sent = Readonly<{ runId: string; key: string; message: string }>;
async function send(model: string, text: string, more: Record<string, unknown> = {}): Promise<Sent> {
  const [runId, key] = [randomUUID(), `agent:main:${randomUUID()}`];
  const message = `${runId} ${text}`;
  const ref = model.includes('/') ? model : `watched/${model}`;
  await user.request('sessions.patch', { key, model: ref });
  await user.request('chat.send', { sessionKey: key, message, idempotencyKey: runId, ...more });
  return { runId, key, message };
}

const sidOf = async (key: string): Promise<string> =>
  (await readEntry(cluster.redis, USER, key))?.['sid'] ?? '';

/** A worker that takes the turn, says these words and is never heard of again. */
async function dies(
  { key }: Sent,
  said: readonly string[],
  t: 'delta' | 'thinking' = 'delta',
): Promise<void> {
  const sid = await sidOf(key);
  const begun = await beginTurn(cluster.redis, { sid, uid: USER, key }, `gone/${randomUUID()}`, 100);
  if (begun.kind !== 'run') throw new Error(`the turn is ${begun.kind}`);
  const { turnId: tid, runId: run } = begun.run.content;
  for (const text of said) await emitEvent(cluster.redis, begun.run, { t, tid, run, text });
  await cluster.redis.hset(sessionKeys.state(sid), 'lease', 0);
}

async function eventsOf(key: string): Promise<LoggedEvent['e'][]> {
  const { events } = await readEvents(cluster.redis, { sid: await sidOf(key), key }, '');
  return events.map(({ e }) => e);
}

/** What the attempts said, one list each. */
async function saidBy(key: string): Promise<string[][]> {
  const attempts: string[][] = [];
  for (const event of await eventsOf(key)) {
    if (event.t === 'start') attempts.push([]);
    if (event.t === 'delta') attempts.at(-1)?.push(event.text);
  }
  return attempts;
}

type Body = { model: string; messages: { role: string; content: unknown }[] };
const askedFor = ({ runId }: Sent): Body[] =>
  cluster.model
    .requests()
    .map(({ body }) => body as Body)
    .filter((body) => JSON.stringify(body).includes(runId));
const prefixOf = (body: Body | undefined): unknown => {
  const last = body?.messages.at(-1);
  return last?.role === 'assistant' ? last.content : undefined;
};

type Assistant = Extract<NumberedRecord['record'], { type: 'assistant' }>;
async function recordOf(key: string): Promise<Assistant> {
  const record = (await readRecords(cluster.redis, await sidOf(key), 0, 1, 2)).at(-1)?.record;
  if (record?.type !== 'assistant') throw new Error('the log ends with the answer');
  return record;
}
const textOf = ({ content }: Assistant): string => content.map(({ text }) => String(text)).join('');

const workers = async (signal: 'SIGTERM' | 'start'): Promise<unknown> =>
  await Promise.all(cluster.workers.map((one) => (signal === 'start' ? one.start() : one.signal(signal))));

describe('a turn whose worker died', () => {
  const turns = new Map<string, Sent>();
  const turn = (name: string): Sent => {
    const sent = turns.get(name);
    if (!sent) throw new Error(`no turn ${name}`);
    return sent;
  };

  beforeAll(async () => {
    await workers('SIGTERM'); // until every death has happened
    const sent = async (name: string, model: string, text: string, more = {}): Promise<Sent> => {
      const made = await send(model, text, more);
      turns.set(name, made);
      return made;
    };
    await dies(await sent('goes on', 'goes-on', '#tokens 60'), ['t1 ', 't2 t3 ']);
    const twice = await sent('goes on twice', 'goes-on', '#tokens 60');
    await dies(twice, ['t1 t2']);
    await dies(twice, ['t1 t2', ' t3 t4']);
    const silent = await sent('died silently between', 'goes-on', '#tokens 60');
    await dies(silent, ['t1 t2']);
    await dies(silent, []);
    await dies(await sent('was whole', 'goes-on', '#tokens 5'), [words(5)]);
    await dies(await sent('anew: no prefill', 'demo-1', '#tokens 60'), ['t1 t2']);
    await dies(await sent('anew: another API', 'spoken/goes-on', '#tokens 60'), ['t1 t2']);
    await dies(await sent('anew: thinks', 'goes-on', '#tokens 60', { thinking: 'low' }), ['t1 t2']);
    const thought = await sent('anew: has thought', 'goes-on', '#tokens 60');
    await dies(thought, ['hm'], 'thinking');
    await dies(thought, ['t1 t2']);
    await dies(await sent('anew: white space', 'goes-on', '#tokens 60'), [' \n']);
    await dies(await sent('anew: refused', 'refuses', '#tokens 60'), ['t1 t2']);
    cluster.model.script({ kind: 'status', status: 400, model: 'refuses' });
    const lost = await sent('given up', 'goes-on', '#tokens 60');
    for (let at = 0; at < MAX_ATTEMPTS; at += 1) await dies(lost, [`try ${at + 1}`]);
    const stopped = await sent('aborted', 'demo-1', '#tokens 60');
    await dies(stopped, ['t1 t2 ']);
    await user.request('chat.abort', { sessionKey: stopped.key, runId: stopped.runId });
    await workers('start');
  });

  test.each([
    ['goes on', 't1 t2 t3', 2, 57],
    ['goes on twice', 't1 t2 t3 t4', 3, 56],
    ['died silently between', 't1 t2', 3, 58],
  ])('T-5: %s from the last word that was said', async (name, kept, attempt, counted) => {
    const sent = turn(name);
    const end = await user.end(sent.runId);
    expect(sha256(shownText(end))).toBe(sha256(words(60)));
    expect(prefixOf(askedFor(sent).at(-1))).toBe(kept);
    expect(askedFor(sent)).toHaveLength(1);
    const said = await saidBy(sent.key);
    expect(said).toHaveLength(attempt);
    expect(said.at(-1)?.[0]).toBe(kept);
    expect(said.at(-1)?.join('')).toBe(words(60));
    const record = await recordOf(sent.key);
    expect([textOf(record), record.stopReason]).toEqual([words(60), 'stop']);
    expect(record.usage.output, 'of this attempt alone').toBe(counted);
  });

  test('T-5: an answer that was whole is not said twice', async () => {
    const sent = turn('was whole');
    expect(shownText(await user.end(sent.runId))).toBe(words(5));
    expect((await saidBy(sent.key)).at(-1)).toEqual([words(5)]);
  });

  test.each([
    'anew: no prefill',
    'anew: another API',
    'anew: thinks',
    'anew: has thought',
    'anew: white space',
  ])('T-5: starts %s', async (name) => {
    const sent = turn(name);
    expect(shownText(await user.end(sent.runId))).toBe(words(60));
    expect(askedFor(sent).map(prefixOf)).toEqual([undefined]);
    expect((await saidBy(sent.key)).at(-1)?.join('')).toBe(words(60));
  });

  test('T-5: a provider that refuses to go on is asked anew', async () => {
    const sent = turn('anew: refused');
    expect(shownText(await user.end(sent.runId))).toBe(words(60));
    expect(askedFor(sent).map(prefixOf)).toEqual(['t1 t2', undefined]);
    expect((await saidBy(sent.key)).at(-1)?.join('')).toBe(words(60));
  });

  test('T-1, T-5: given up after the third worker, it keeps what was said last and does not look whole', async () => {
    const sent = turn('given up');
    const end = await user.end(sent.runId);
    expect(end).toMatchObject({
      state: 'error',
      errorMessage: expect.stringContaining('interrupted 3 times'),
    });
    expect(await recordOf(sent.key)).toMatchObject({
      content: [{ type: 'text', text: 'try 3' }],
      stopReason: 'error',
      errorMessage: end.errorMessage,
    });
    expect(askedFor(sent)).toEqual([]);
  });

  test('T-1: aborted before anybody took it over, it keeps what was said', async () => {
    const sent = turn('aborted');
    expect((await user.end(sent.runId)).state).toBe('aborted');
    expect(await recordOf(sent.key)).toMatchObject({
      content: [{ type: 'text', text: 't1 t2 ' }],
      stopReason: 'aborted',
    });
    expect(askedFor(sent)).toEqual([]);
  });
});

describe('an answer that is being written', () => {
  const starts = ({ runId }: Sent): unknown[] =>
    user
      .agents(runId)
      .filter(({ data }) => data['phase'] === 'start')
      .map(({ data }) => data['attempt'] ?? 1);
  const heardFrom = async ({ runId }: Sent, count: number): Promise<unknown> =>
    await until(
      () => shownText(user.chats(runId).at(-1) ?? {}).split(' ').length >= count,
      'its first words',
    );

  async function ownerOf({ key }: Sent): Promise<Cluster['workers'][number]> {
    const owner = (await cluster.redis.hget(sessionKeys.state(await sidOf(key)), 'owner')) ?? '';
    const found = cluster.workers.find(({ name }) => owner.startsWith(`${name}/`));
    if (!found) throw new Error(`nobody has it, but ${owner}`);
    return found;
  }

  test.each(['SIGKILL', 'SIGTERM'] as const)(
    'T-5: goes on in mid-sentence after a %s, on sockets and on streams',
    { timeout: 60_000 },
    async (signal) => {
      const sent = await send('goes-on', '#tokens 90 #delay 60');
      const response = await fetch(`${cluster.gateways[0]?.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${person.token}` },
        body: JSON.stringify({
          model: 'watched/goes-on',
          stream: true,
          messages: [{ role: 'user', content: `#tokens 90 #delay 60` }],
        }),
      });
      const streamed = response.text();
      await heardFrom(sent, 5);
      const worker = await ownerOf(sent);
      await worker.signal(signal);
      const end = await user.end(sent.runId);
      expect(sha256(shownText(end))).toBe(sha256(words(90)));
      const shown = user.chats(sent.runId).map(shownText);
      const shrunk = shown.filter((text, at) => !text.startsWith((shown[at - 1] ?? '').trimEnd()));
      expect(shrunk, 'nobody sees it start over').toEqual([]);
      expect(starts(sent)).toEqual(signal === 'SIGKILL' ? [1, 2] : [1, 1]);
      expect(askedFor(sent).map(prefixOf)).toEqual([undefined, expect.stringMatching(/^t1 t2 .*t\d+$/)]);
      expect(await streamed).toMatch(/"finish_reason":"stop"[^]*data: \[DONE\]\n\n$/);
      await worker.start();
    },
  );

  test(
    'T-5: goes on when the queue takes its wake-up away, for its session is still its own',
    { timeout: 60_000 },
    async () => {
      const sent = await send('demo-1', '#tokens 150 #delay 100');
      await heardFrom(sent, 3);
      const queue = `${QUEUE_PREFIX}:${queueName('main', 'default')}`;
      const job = `${queue}:${await cluster.redis.get(`${queue}:de:${await sidOf(sent.key)}`)}`;
      expect(await cluster.redis.del(`${job}:lock`)).toBe(1);
      // somebody else takes the job, finds the session busy and puts it off
      await until(
        async () => (await cluster.redis.hget(job, 'stc')) !== null,
        'the job is taken again',
        15_000,
      );
      expect(shownText(await user.end(sent.runId))).toBe(words(150));
      expect(starts(sent)).toEqual([1]);
      expect(askedFor(sent)).toHaveLength(1);
    },
  );

  test(
    'T-5: a Redis that is away for ten seconds is a pause, not another attempt',
    { timeout: 90_000 },
    async () => {
      const sent = await send('demo-1', '#tokens 200 #delay 100');
      await heardFrom(sent, 3);
      await cluster.redisServer.signal('SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS));
      await cluster.redisServer.start();
      const end = await until(
        () => user.chats(sent.runId).find(({ state }) => state !== 'delta'),
        'its end',
        40_000,
      );
      expect(shownText(end), cluster.output()).toBe(words(200));
      expect(askedFor(sent)).toHaveLength(1);
      expect(await eventsOf(sent.key)).toEqual(
        expect.not.arrayContaining([expect.objectContaining({ t: 'start', attempt: 2 })]),
      );
    },
  );
});
