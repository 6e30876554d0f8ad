/** Workers, gateways, wake-ups and disks that fail while answers are being written. */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import { QUEUE_PREFIX, queueName, type Lane } from '@moltbot/shared/contracts';
import { sessionKeys } from '@moltbot/shared/redis';
import { readEntry } from '@moltbot/turns';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCluster, type Cluster } from '../../support/cluster.ts';
import { openDoor } from '../../support/door.ts';
import {
  atRest,
  checkLedger,
  type SeenEnd,
  type SentSession,
  type SentTurn,
} from '../../support/ledger-checker.ts';
import { listen, newPerson, shownText, until, type Listener, type Person } from '../../support/people.ts';
import type { Program } from '../../support/service-process.ts';

const REPLACED_WITHIN_MS = 15_000;
const PAUSE_MS = 12_000;

let cluster: Cluster;
let admin: Listener;
beforeAll(async () => {
  // one slot a worker for subagents: a queue that is soon long
  cluster = await startCluster({ gateways: 2, workers: 3, env: { WORKER_SUBAGENT_SLOTS: '1' } });
  admin = listen(steady(), cluster.token);
}, 90_000);
afterAll(async () => {
  admin?.client.close();
  await cluster?.[Symbol.asyncDispose]();
});

/** The gateway that no test kills. */
const steady = (): string => cluster.gateways[1]?.wsUrl ?? '';
const sessions: (SentSession & { turns: SentTurn[] })[] = [];

type User = Readonly<{ person: Person; listener: Listener }>;
async function newUser(wsUrl = steady()): Promise<User> {
  const person = await newPerson(admin, `u-${randomUUID().slice(0, 8)}`);
  return { person, listener: listen(wsUrl, person.token) };
}

const words = (count: number): string => Array.from({ length: count }, (_, at) => `t${at + 1}`).join(' ');

/** A message that is answered in so many words, remembered for the check at the end. */
async function say({ person, listener }: User, key: string, count: number, delayMs: number): Promise<string> {
  const runId = randomUUID();
  const seenEnds: SeenEnd[] = [];
  const turn = { runId, text: `#tokens ${count} #delay ${delayMs}`, answer: words(count), seenEnds };
  const session = sessions.find((one) => one.userId === person.userId && one.key === key);
  if (session) session.turns.push(turn);
  else sessions.push({ userId: person.userId, key, turns: [turn] });
  await listener.request('chat.send', { sessionKey: key, message: turn.text, idempotencyKey: runId });
  void listener.end(runId).then(
    (end) =>
      seenEnds.push({ connection: 'its own', state: end.state as SeenEnd['state'], text: shownText(end) }),
    () => undefined, // the checker finds out by itself what became of it
  );
  return runId;
}

async function sidOf({ person }: User, key: string): Promise<string> {
  return await until(
    async () => (await readEntry(cluster.redis, person.userId, key))?.['sid'],
    `session ${key}`,
  );
}

/** The worker that writes the answer in a session now. */
async function ownerOf(user: User, key: string): Promise<string> {
  const state = sessionKeys.state(await sidOf(user, key));
  const owner = await until(
    async () => (await cluster.redis.hget(state, 'owner')) || undefined,
    `owner of ${key}`,
  );
  return owner.split('/')[0] ?? '';
}

/** Starts answers until one of them is written by this worker. */
async function keyAt(worker: Program, user: User, start: (key: string) => Promise<void>): Promise<string> {
  for (let tries = 0; tries < 30; tries += 1) {
    const key = `agent:main:${worker.name}-${randomUUID()}`;
    await start(key);
    if ((await ownerOf(user, key)) === worker.name) return key;
  }
  throw new Error(`${worker.name} took none of 30 answers`);
}

async function runAt(worker: Program, user: User): Promise<string> {
  let runId = '';
  await keyAt(worker, user, async (key) => {
    runId = await say(user, key, 60, 60);
  });
  await until(() => user.listener.chats(runId).length > 0, 'its first words');
  return runId;
}

const attempts = ({ listener }: User, runId: string): unknown[] =>
  listener
    .agents(runId)
    .filter(({ data }) => data['phase'] === 'start')
    .map(({ data }) => data['attempt'] ?? 1);

function worker(at: number): Program {
  const found = cluster.workers[at];
  if (!found) throw new Error(`no worker ${at}`);
  return found;
}

type Stream = { text: string; done: boolean };

/** An answer as the openai SDK reads it, growing while it is read. */
async function stream({ person }: User, key: string, message: string): Promise<Stream> {
  const response = await fetch(`${cluster.gateways[1]?.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${person.token}`, 'x-moltbot-session-key': key },
    body: JSON.stringify({ model: 'moltbot', stream: true, messages: [{ role: 'user', content: message }] }),
  });
  const grown: Stream = { text: '', done: false };
  const decoder = new TextDecoder();
  void (async () => {
    for await (const chunk of response.body ?? []) grown.text += decoder.decode(chunk, { stream: true });
    grown.done = true;
  })();
  return grown;
}

const contentOf = ({ text }: Stream): string =>
  [...text.matchAll(/"content":("(?:[^"\\]|\\.)*")/g)]
    .map(([, json]) => JSON.parse(json ?? '""') as string)
    .join('');

describe.concurrent('while answers are written', () => {
  test(
    'T-5: a killed worker is replaced, on sockets and on streams, and no cut answer looks whole',
    { timeout: 60_000 },
    async () => {
      const [user, api] = await Promise.all([newUser(), newUser()]);
      const victim = worker(0);
      let whole: Stream | undefined;
      let other: Stream | undefined;
      await keyAt(victim, api, async (key) => void (whole = await stream(api, key, '#tokens 60 #delay 60')));
      await keyAt(victim, api, async (key) => void (other = await stream(api, key, '#system #delay 120')));
      const runId = await runAt(victim, user);
      await until(
        () => contentOf(other ?? { text: '', done: false }).startsWith('You are Moltbot'),
        'its first words',
      );
      await rename('Otherbot'); // so that the second attempt says something else
      const killedAtMs = Date.now();
      await victim.signal('SIGKILL');
      await until(() => attempts(user, runId).includes(2), 'the second attempt', REPLACED_WITHIN_MS);
      expect(Date.now() - killedAtMs).toBeLessThan(REPLACED_WITHIN_MS);
      expect(shownText(await user.listener.end(runId))).toBe(words(60));
      expect(attempts(user, runId)).toEqual([1, 2]);
      await until(() => whole?.done && other?.done, 'both streams');
      expect(contentOf(whole ?? { text: '', done: false })).toBe(words(60));
      expect(whole?.text).toMatch(/"finish_reason":"stop"[^]*data: \[DONE\]\n\n$/);
      expect(other?.text).toMatch(/data: {"error":{[^]*"code":"interrupted"}}\n\n$/);
      expect(other?.text).not.toMatch(/"finish_reason":"stop"|\[DONE\]/);
      await Promise.all([victim.start(), rename(null)]);
    },
  );

  test(
    'T-4: a worker that was frozen for twelve seconds changes nothing when it wakes',
    { timeout: 60_000 },
    async () => {
      const user = await newUser();
      const victim = worker(1);
      const runId = await runAt(victim, user);
      await victim.signal('SIGSTOP');
      const thawed = new Promise((resolve) => setTimeout(resolve, PAUSE_MS)).then(() =>
        victim.signal('SIGCONT'),
      );
      expect(shownText(await user.listener.end(runId))).toBe(words(60));
      await thawed;
      // it works again, and what it had in hand is not told a second time
      await runAt(victim, user);
      expect(attempts(user, runId)).toEqual([1, 2]);
      expect(user.listener.chats(runId).filter(({ state }) => state !== 'delta')).toHaveLength(1);
    },
  );

  test(
    'T-6, T-7: whoever was at a killed gateway hears the rest at the other',
    { timeout: 60_000 },
    async () => {
      const [doomed, other] = cluster.gateways;
      if (!doomed || !other) throw new Error('two gateways');
      await using door = await openDoor([doomed.port]);
      const user = await newUser(door.wsUrl);
      const runId = await runAt(worker(2), user); // the one that nobody kills or freezes
      door.point([other.port]);
      await doomed.signal('SIGKILL');
      expect(shownText(await user.listener.end(runId))).toBe(words(60));
      const texts = user.listener.chats(runId).map(shownText);
      expect(texts.filter((text) => text === words(60)).length).toBeGreaterThan(0);
      expect(texts.every((text, at) => text.startsWith(texts[at - 1] ?? ''))).toBe(true);
      expect(attempts(user, runId)).toEqual([1]);
      await doomed.start();
    },
  );

  test('T-1: wake-ups whose jobs are lost are repeated', { timeout: 60_000 }, async () => {
    const user = await newUser();
    await using queue = openQueue('main');
    await queue.it.pause(); // or a worker would be faster than we are
    const runIds = await Promise.all([1, 2, 3].map((at) => say(user, `agent:main:lost-${at}`, 5, 5)));
    const waiting = await until(async () => {
      const jobs = await queue.it.getJobs(['prioritized', 'waiting']);
      const own = jobs.filter(({ data }) => (data as { uid: string }).uid === user.person.userId);
      return own.length === runIds.length && own;
    }, 'three jobs');
    await cluster.redis.del(waiting.map(({ id }) => `${QUEUE_PREFIX}:${queueName('main', 'default')}:${id}`));
    await queue.it.resume();
    for (const runId of runIds) expect(shownText(await user.listener.end(runId))).toBe(words(5));
  });

  test(
    'T-1: a long queue holds one wake-up for each session, however long it waits',
    { timeout: 90_000 },
    async () => {
      const user = await newUser();
      await using queue = openQueue('subagent');
      const keys = Array.from({ length: 10 }, (_, at) => `agent:main:subagent:${at}`);
      const runIds = await Promise.all(keys.map((key) => say(user, key, 80, 50)));
      let most = 0;
      const left = new Set(runIds);
      for (const runId of runIds) void user.listener.end(runId).then(() => left.delete(runId));
      await until(
        async () => {
          const open = left.size; // before the count: ends that come with its reply are no jobs too many
          const counts = await queue.it.getJobCounts('wait', 'prioritized', 'active', 'delayed');
          const jobs = Object.values(counts).reduce((sum, count) => sum + count, 0);
          most = Math.max(most, jobs - open);
          return left.size === 0;
        },
        'all ten answers',
        60_000,
      );
      expect(most).toBeLessThanOrEqual(1); // an end may be heard just before its job is gone
    },
  );

  test(
    'T-9: a full disk under the archive stops no chat and loses nothing',
    { timeout: 60_000 },
    async () => {
      const user = await newUser();
      const [store] = cluster.stores;
      const limit = (bytes: string): void =>
        void execFileSync('prlimit', ['--pid', String(store?.pid()), `--fsize=${bytes}:`]);
      const metric = async (): Promise<number> => {
        const text = await (await fetch(`${store?.url}/metrics`)).text();
        return Number(/^moltbot_archive_lag_seconds (.+)$/m.exec(text)?.[1]);
      };
      limit('16384'); // no file may grow past that
      for (let turn = 0; turn < 8; turn += 1) {
        const runId = await say(user, 'agent:main:main', 1_000, 0);
        expect(shownText(await user.listener.end(runId))).toBe(words(1_000));
      }
      await until(async () => (await metric()) > 1, 'the archive falls behind');
      const ready = await fetch(`${store?.url}/readyz`);
      expect(ready.status).toBe(200);
      limit('unlimited');
      await until(async () => (await metric()) === 0, 'the archive has caught up');
    },
  );
});

describe('after all that', () => {
  test(
    'T-1, T-2, T-9: the loss of the whole queue is repaired, and every promise was kept',
    { timeout: 60_000 },
    async () => {
      const users = await Promise.all([1, 2, 3].map(async () => await newUser()));
      const runIds: [User, string][] = [];
      for (const user of users)
        for (const key of ['agent:main:a', 'agent:main:b', 'agent:main:a'])
          runIds.push([user, await say(user, key, 20, 40)]);
      const keys = await cluster.redis.keys(`${QUEUE_PREFIX}:*`);
      await cluster.redis.del(keys);
      for (const [user, runId] of runIds) expect(shownText(await user.listener.end(runId))).toBe(words(20));
      await until(() => atRest(cluster.redis), 'everything is archived');
      const { redis, archiveDir: archiveRoot } = cluster;
      expect(await checkLedger({ redis, archiveRoot, sessions })).toEqual([]);
    },
  );
});

function openQueue(lane: Lane): AsyncDisposable & { it: Queue } {
  const connection = { path: cluster.redisUrl.replace('unix://', '') };
  const it = new Queue(queueName(lane, 'default'), { connection, prefix: QUEUE_PREFIX });
  return { it, [Symbol.asyncDispose]: () => it.close() };
}

/** The assistant's name stands in the prompt, so a changed one changes what `#system` is answered with. */
async function rename(name: string | null): Promise<void> {
  const { hash } = await admin.request<{ hash: string }>('config.get', {});
  const list = name === null ? null : [{ id: 'main', default: true, identity: { name } }];
  await admin.request('config.patch', { raw: JSON.stringify({ agents: { list } }), baseHash: hash });
}
