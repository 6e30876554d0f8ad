/** Sessions that leave Redis when idle, come back when opened, and are longer than Redis keeps them. */
import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sessionKeys } from '@moltbot/shared/redis';
import { readArchive } from '../../support/archive-files.ts';
import { until } from '../../support/people.ts';
import { bodyOf, provider, startTalk, type HistoryMessage, type Talk } from '../models/talk.ts';

/** Longer than a test takes between two messages, and short enough to wait for. */
const IDLE_MS = 1_000;
/** More than the 400 records that Redis keeps, by enough to be worth a trim. */
const TURNS = 230;

let talk: Talk;
beforeAll(async () => {
  talk = await startTalk({
    config: (url) => ({
      models: { providers: { watched: provider(url) } },
      agents: { defaults: { model: { primary: 'watched/m1' }, contextTokens: 6_000 } },
      session: { reset: { mode: 'idle', idleMinutes: 600 } },
    }),
    env: { SESSION_IDLE_EVICT_MS: String(IDLE_MS) },
  });
});
afterAll(() => talk[Symbol.asyncDispose]());

const sidOf = async (key: string): Promise<string> => (await entryOf(key))['sessionId'] as string;

/** Asks for the entry alone: reading the history would bring a cold session back. */
async function entryOf(key: string): Promise<Record<string, unknown>> {
  const { session } = await talk.me.request<{ session: Record<string, unknown> }>('sessions.get', { key });
  return session;
}

async function gone(key: string): Promise<string> {
  const sid = await sidOf(key);
  const { log, state } = sessionKeys;
  await until(async () => (await talk.redis.hget(state(sid), 'cold')) === '1', `${key} to leave Redis`);
  expect(await talk.redis.exists(log(sid))).toBe(0);
  return sid;
}

const textsOf = (messages: readonly HistoryMessage[]): (string | undefined)[] =>
  messages.map(({ content }) => content.find(({ type }) => type === 'text')?.text);

describe.concurrent('an idle session', () => {
  test('leaves Redis with every word in its archive, and shows its history as before', async () => {
    const { key } = await talk.say('#echo one');
    await talk.say('#echo two', { key, thinking: 'low' });
    const before = await talk.history(key);
    const sid = await gone(key);
    const { lines } = await readArchive(join(talk.standalone.stateDir, 'sessions'), talk.userId, sid);
    expect(lines.map(({ text }) => text)).toEqual(['#echo one', 'one', '#echo two', 'two']);
    expect(await talk.history(key)).toEqual(before);
    expect(await talk.redis.exists(sessionKeys.log(sid))).toBe(1);
  });

  test('is still listed, found, described and previewed', async () => {
    const word = randomUUID();
    const { key } = await talk.say(`#echo ${word}`);
    await talk.patch(key, { label: `cold ${word}` });
    const sid = await gone(key);
    const { sessions } = await talk.me.request<{ sessions: unknown[] }>('sessions.list', { search: word });
    expect(sessions).toMatchObject([{ key: `agent:main:${key}`, sessionId: sid, label: `cold ${word}` }]);
    const { previews } = await talk.me.request<{ previews: unknown[] }>('sessions.preview', { keys: [key] });
    expect(previews).toEqual([
      {
        key,
        status: 'ok',
        items: [
          { role: 'user', text: `#echo ${word}` },
          { role: 'assistant', text: word },
        ],
      },
    ]);
  });

  test('takes a message as if it had never left: the model sees all of it', async () => {
    const [word, later] = [randomUUID(), randomUUID()];
    const { key } = await talk.say(`#echo ${word}`);
    const sid = await gone(key);
    expect((await talk.say(`#echo ${later}`, { key })).text).toBe(later);
    const { messages } = await bodyOf(talk, later);
    expect(messages.map(({ content }) => content[0]?.text)).toEqual([
      `#echo ${word}`,
      word,
      `#echo ${later}`,
    ]);
    const { sessionId, messages: shown } = await talk.history(key);
    expect(sessionId).toBe(sid);
    expect(shown.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
  });

  test('can go and come again', async () => {
    const { key } = await talk.say('#echo 1');
    for (const n of [2, 3]) {
      await gone(key);
      await talk.say(`#echo ${n}`, { key });
    }
    await gone(key);
    expect(textsOf((await talk.history(key)).messages)).toEqual([
      '#echo 1',
      '1',
      '#echo 2',
      '2',
      '#echo 3',
      '3',
    ]);
  });

  test('is read whole at every moment, while it goes and comes', async () => {
    const { key } = await talk.say('#echo whole');
    const sid = await sidOf(key);
    const evictions = new Set<string | null>();
    const deadlineMs = Date.now() + 4 * IDLE_MS;
    const reader = async (): Promise<void> => {
      while (Date.now() < deadlineMs) {
        expect(textsOf((await talk.history(key)).messages)).toEqual(['#echo whole', 'whole']);
        evictions.add(await talk.redis.hget(sessionKeys.state(sid), 'fence')); // rises with every eviction
      }
    };
    await Promise.all(Array.from({ length: 6 }, reader));
    expect(evictions.size).toBeGreaterThan(1);
  });

  test.each([
    ['sessions.reset', async (key: string) => void (await talk.me.request('sessions.reset', { key }))],
    ['/new', async (key: string) => void (await talk.say('/new', { key }))],
  ])('that is reset by %s starts over; its archive stays', async (_what, reset) => {
    const { key } = await talk.say('my word is heliotrope');
    const sid = await gone(key);
    await reset(key);
    expect((await talk.say('#history', { key })).text).not.toContain('heliotrope');
    const { lines } = await readArchive(join(talk.standalone.stateDir, 'sessions'), talk.userId, sid);
    expect(lines[0]?.text).toBe('my word is heliotrope');
  });

  test.each([
    ['while it is cold', true],
    ['while it is in Redis', false],
  ])('that is deleted %s is put aside in the archive, and Redis forgets it', async (_what, cold) => {
    const { key } = await talk.say('#echo to be deleted');
    const sid = cold ? await gone(key) : await sidOf(key);
    const answer = await talk.me.request<{ archived: string[] }>('sessions.delete', { key });
    expect(answer).toMatchObject({ ok: true, key: `agent:main:${key}`, deleted: true });
    expect(answer.archived).toEqual([expect.stringMatching(new RegExp(`^${sid}\\.deleted\\.\\d{4}-`))]);
    expect(await talk.history(key)).toMatchObject({ messages: [] });
    const root = join(talk.standalone.stateDir, 'sessions');
    const aside = await until(async () => {
      const names = await readdir(join(root, talk.userId));
      return !names.includes(sid) && names.find((name) => name.startsWith(`${sid}.deleted.`));
    }, 'the archive put aside');
    const { lines } = await readArchive(root, talk.userId, aside);
    expect(lines.map(({ text }) => text)).toEqual(['#echo to be deleted', 'to be deleted']);
    await until(async () => (await talk.redis.exists(sessionKeys.state(sid))) === 0, 'the keys to go');
    expect((await talk.say('#history', { key })).text).toContain('I was sent 1 messages');
  });
});

describe('a session longer than Redis keeps it', () => {
  const key = 'long';
  let sid: string;
  beforeAll(async () => {
    for (let n = 1; n <= TURNS; n += 1) {
      const { text } = await talk.say(`#echo ${n}`, { key });
      if (text !== String(n)) throw new Error(`turn ${n} was answered with "${text}"`);
    }
    sid = await sidOf(key);
  }, 60_000);

  const said = Array.from({ length: TURNS }, (_, at) => [`#echo ${at + 1}`, `${at + 1}`]).flat();

  async function readBack(limit: number): Promise<HistoryMessage[]> {
    let all: HistoryMessage[] = [];
    for (let beforeSeq: number | undefined; beforeSeq !== 1; beforeSeq = all[0]?.seq) {
      const { messages, hasMore } = await talk.history(key, { limit, ...(beforeSeq && { beforeSeq }) });
      all = [...messages, ...all];
      expect(messages.length).toBeGreaterThan(0);
      expect(hasMore).toBe(messages[0]?.seq !== 1);
    }
    return all;
  }

  test.each([
    [
      'partly in Redis',
      37,
      async () => {
        await until(async () => {
          await talk.history(key, { limit: 1 }); // from now on it stays in Redis for a while
          const base = Number(await talk.redis.hget(sessionKeys.state(sid), 'base'));
          return base > 0 && base < said.length;
        }, 'a log shortened in Redis');
      },
    ],
    ['all in the archive', 200, async () => void (await gone(key))],
  ])('is read back page by page, %s', async (_where, limit, ready) => {
    await ready();
    const all = await readBack(limit);
    expect(textsOf(all)).toEqual(said);
    const seqs = all.map(({ seq }) => seq);
    expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
  });

  test('shows as much as is asked for, over the border of Redis and archive', async () => {
    const { messages, hasMore } = await talk.history(key, { limit: 1_000 });
    expect(textsOf(messages)).toEqual(said);
    expect(hasMore).toBe(false);
  });

  test('goes on from cold with its newest turns', async () => {
    await gone(key);
    await talk.say('#echo and on', { key });
    const { messages } = await bodyOf(talk, '#echo and on');
    expect(messages.at(-2)?.content[0]?.text).toBe(String(TURNS));
    expect(messages.length).toBeGreaterThan(100);
  });
});
