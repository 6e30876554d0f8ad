/** Two gateways and two workers, each a process of its own: a user's work is the same through either door. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Queue } from 'bullmq';
import { QUEUE_PREFIX, queueName } from '@moltbot/shared/contracts';
import { findRun, openTurns } from '@moltbot/turns';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCluster, type Cluster } from '../../support/cluster.ts';
import { listen, newPerson, shownText, until, type Listener, type Person } from '../../support/people.ts';

let cluster: Cluster;
let admin: Listener;
beforeAll(async () => {
  cluster = await startCluster({ gateways: 2, workers: 2 });
  admin = listen(cluster.gateways[0]?.wsUrl ?? '', cluster.token);
}, 90_000);
afterAll(async () => {
  admin?.client.close();
  await cluster?.[Symbol.asyncDispose]();
});

/** A new user with a connection to either gateway. */
async function newUser(): Promise<{ person: Person; a: Listener; b: Listener }> {
  const person = await newPerson(admin, `u-${randomUUID().slice(0, 8)}`);
  const [a, b] = cluster.gateways.map(({ wsUrl }) => listen(wsUrl, person.token));
  if (!a || !b) throw new Error('two gateways');
  await Promise.all([a.request('health'), b.request('health')]);
  return { person, a, b };
}

const send = (through: Listener, sessionKey: string, message: string, idempotencyKey: string) =>
  through.request<{ runId: string; status: string }>('chat.send', { sessionKey, message, idempotencyKey });

type History = { messages: { role: string; content: { text?: string }[] }[] };
const textsOf = ({ messages }: History): string[] =>
  messages.map(({ role, content }) => `${role}: ${content.map(({ text = '' }) => text).join('')}`);

describe.concurrent('a user at two gateways', () => {
  test('sees the same run streamed through both', async () => {
    const { a, b } = await newUser();
    const runId = randomUUID();
    await send(a, 'main', '#tokens 40 #delay 20', runId);
    const [atA, atB] = await Promise.all([a.end(runId), b.end(runId)]);
    const whole = Array.from({ length: 40 }, (_, at) => `t${at + 1}`).join(' ');
    expect(shownText(atA)).toBe(whole);
    expect(shownText(atB)).toBe(whole);
    expect(atA.seq).toBe(atB.seq);
    for (const one of [a, b]) {
      const deltas = one.chats(runId).filter(({ state }) => state === 'delta');
      expect(deltas.length).toBeGreaterThan(1);
      for (const delta of deltas) expect(whole.startsWith(shownText(delta))).toBe(true);
      expect(one.agents(runId).filter(({ data }) => data['phase'] === 'end')).toHaveLength(1);
    }
  });

  test('T-3: one idempotency key sent fifty times through both makes one turn', async () => {
    const { a, b } = await newUser();
    const runId = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, at) => send(at % 2 ? a : b, 'fifty', '#tokens 5 #delay 20', runId)),
    );
    expect(answers.filter(({ status }) => status === 'started')).toHaveLength(1);
    expect(answers.every((answer) => answer.runId === runId)).toBe(true);
    await Promise.all([a.end(runId), b.end(runId)]);
    expect(await send(a, 'fifty', '#tokens 5', runId)).toEqual({ runId, status: 'ok' });
    const history = await b.request<History>('chat.history', { sessionKey: 'fifty' });
    expect(textsOf(history)).toEqual(['user: #tokens 5 #delay 20', 'assistant: t1 t2 t3 t4 t5']);
    for (const one of [a, b])
      expect(one.chats(runId).filter(({ state }) => state === 'final')).toHaveLength(1);
  });

  test('stops a run through the other gateway', async () => {
    const { a, b } = await newUser();
    const runId = randomUUID();
    await send(a, 'main', '#fault endless', runId);
    await until(() => a.chats(runId).length > 0, 'the first words');
    expect(await b.request('chat.abort', { sessionKey: 'main', runId })).toEqual({
      ok: true,
      aborted: true,
      runIds: [runId],
    });
    expect((await a.end(runId)).state).toBe('aborted');
    expect((await b.end(runId)).stopReason).toBe('rpc');
    await until(
      () =>
        cluster.model
          .requests()
          .every(({ body, outcome }) => !asks(body, 'endless') || outcome === 'aborted'),
      'the call to the provider ended',
    );
  });

  test('finds sessions and their settings behind either', async () => {
    const { a, b } = await newUser();
    const runId = randomUUID();
    await send(a, 'Project X', '#echo hello there', runId);
    await b.end(runId);
    await b.request('sessions.patch', { key: 'Project X', label: 'plans', thinkingLevel: 'low' });
    const { sessions } = await a.request<{ sessions: { key: string; label?: string }[] }>(
      'sessions.list',
      {},
    );
    expect(sessions.map(({ key, label }) => [key, label])).toEqual([['agent:main:project x', 'plans']]);
    const history = await b.request<History>('chat.history', { sessionKey: 'project x' });
    expect(textsOf(history)).toEqual(['user: #echo hello there', 'assistant: hello there']);
    const { entry } = await a.request<{ entry: { sessionId: string } }>('sessions.reset', {
      key: 'project x',
    });
    const after = await b.request<History & { sessionId: string }>('chat.history', {
      sessionKey: 'project x',
    });
    expect(after).toMatchObject({ sessionId: entry.sessionId, messages: [] });
  });

  test('T-2: keeps the order of twenty quick messages', async () => {
    const { a, b } = await newUser();
    const runIds = Array.from({ length: 20 }, (_, at) => `${at}-${randomUUID()}`);
    await Promise.all(runIds.map((runId, at) => send(a, 'quick', `#echo answer ${at}`, runId)));
    await b.end(runIds.at(-1) ?? '');
    const texts = textsOf(await b.request<History>('chat.history', { sessionKey: 'quick' }));
    expect(texts).toEqual(runIds.flatMap((_, at) => [`user: #echo answer ${at}`, `assistant: answer ${at}`]));
    const ends = b.events
      .map(({ event, payload }) => [event, payload] as [string, { runId: string; state: string }])
      .filter(([event, { state }]) => event === 'chat' && state === 'final');
    expect(ends.map(([, { runId }]) => runId)).toEqual(runIds);
  });

  test('T-2: answers two sessions side by side', async () => {
    const { a } = await newUser();
    const [one, two] = [randomUUID(), randomUUID()];
    await Promise.all([
      send(a, 'left', '#tokens 30 #delay 30', one),
      send(a, 'right', '#tokens 30 #delay 30', two),
    ]);
    await Promise.all([a.end(one), a.end(two)]);
    const order = a.events
      .map(({ payload }) => payload as { runId?: string; data?: { phase?: string } })
      .filter(({ data }) => data?.phase === 'start' || data?.phase === 'end')
      .map(({ data }) => data?.phase);
    expect(order).toEqual(['start', 'start', 'end', 'end']);
  });

  test('has at most eight sessions of one user running', async () => {
    const { person, a } = await newUser();
    const runIds = Array.from({ length: 12 }, () => randomUUID());
    let most = 0;
    const look = setInterval(() => {
      void cluster.redis.zcard(`u:${person.userId}:running`).then((now) => (most = Math.max(most, now)));
    }, 20);
    await Promise.all(runIds.map((runId, at) => send(a, `wide-${at}`, '#tokens 20 #delay 30', runId)));
    await Promise.all(runIds.map((runId) => a.end(runId)));
    clearInterval(look);
    expect(most).toBe(8);
  });
});

describe('both gateways together', () => {
  test('have one configuration, live in the queue that both workers share as well', async () => {
    const b = listen(cluster.gateways[1]?.wsUrl ?? '', cluster.token);
    const queue = new Queue(queueName('main', 'default'), {
      connection: { path: cluster.redisUrl.replace('unix://', '') },
      prefix: QUEUE_PREFIX,
    });
    const { hash } = await admin.request<{ hash: string }>('config.get', {});
    const raw = JSON.stringify({ agents: { defaults: { maxConcurrent: 3 } } });
    await admin.request('config.patch', { raw, baseHash: hash });
    const seen = await until(async () => {
      const answer = await b.request<{
        hash: string;
        config: { agents: { defaults: { maxConcurrent: number } } };
      }>('config.get', {});
      return answer.config.agents.defaults.maxConcurrent === 3 && answer;
    }, 'the change behind the other gateway');
    await until(async () => (await queue.getGlobalConcurrency()) === 3, 'the cap of the queue');
    // and back through the other door
    await b.request('config.patch', {
      raw: JSON.stringify({ agents: { defaults: { maxConcurrent: null } } }),
      baseHash: seen.hash,
    });
    await until(async () => (await queue.getGlobalConcurrency()) === null, 'the lifted cap');
    expect(await readFile(cluster.configPath, 'utf8')).not.toContain('maxConcurrent');
    b.client.close();
    await queue.close();
  });

  test('T-6: an end is heard once where the message was sent, though every notice about it is lost', async () => {
    const { person, a } = await newUser();
    let cutting = true;
    const cuts = (async () => {
      while (cutting) await cluster.redis.client('KILL', 'TYPE', 'pubsub');
    })();
    const runIds = Array.from({ length: 3 }, () => randomUUID());
    for (const [at, runId] of runIds.entries()) {
      await send(a, `deaf-${at}`, '#tokens 5', runId);
      const ended = async (): Promise<boolean> =>
        (await findRun(cluster.redis, person.userId, runId))?.status === 'final';
      await until(ended, 'its end in the ledger');
    }
    cutting = false;
    await cuts;
    for (const runId of runIds) expect(shownText(await a.end(runId))).toBe('t1 t2 t3 t4 t5');
    const ends = runIds.map((runId) => a.chats(runId).filter(({ state }) => state === 'final').length);
    expect(ends).toEqual([1, 1, 1]);
  });

  test('T-1: nothing is left open when everything has ended', async () => {
    const closed = async (): Promise<boolean> => (await openTurns(cluster.redis)) === 0;
    expect(await until(closed, 'the last end')).toBe(true);
  });
});

const asks = (body: unknown, text: string): boolean => JSON.stringify(body).includes(text);
