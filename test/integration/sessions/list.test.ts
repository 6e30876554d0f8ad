/** A user's sessions: their names, their settings, finding them; and the spellings of their keys. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listen, newPerson, type Listener } from '../../support/people.ts';
import { ENTRY, provider, startTalk, type Talk } from '../models/talk.ts';

type Row = Readonly<Record<string, unknown> & { key: string }>;
type List = Readonly<{
  sessions: Row[];
  count: number;
  totalCount: number;
  hasMore: boolean;
  nextOffset?: number;
}>;

let talk: Talk;
let bob: Listener;
beforeAll(async () => {
  talk = await startTalk({
    config: (url) => ({
      gateway: {
        mode: 'local',
        http: { endpoints: { chatCompletions: { enabled: true }, responses: { enabled: true } } },
      },
      models: {
        providers: {
          watched: provider(url, {
            models: [
              { ...ENTRY, contextWindow: 50_000 },
              { ...ENTRY, id: 'm2' },
            ],
          }),
        },
      },
      agents: {
        defaults: { model: { primary: 'watched/m1' } },
        list: [{ id: 'main', default: true }, { id: 'second' }],
      },
    }),
  });
  using admin = listen(talk.standalone.wsUrl, talk.standalone.token);
  bob = listen(talk.standalone.wsUrl, (await newPerson(admin, 'bob')).token);
});
afterAll(async () => {
  bob[Symbol.dispose]();
  await talk[Symbol.asyncDispose]();
});

const list = async (params: object = {}): Promise<List> =>
  await talk.me.request<List>('sessions.list', params);
const full = (key: string): string => `agent:main:${key}`;
const call = async (method: string, params: object): Promise<unknown> =>
  await talk.me.request(method, params);

describe('the list', () => {
  test('holds the newest first, with titles and last words when asked for', async () => {
    const word = randomUUID();
    const { key: first } = await talk.say(`#echo ${word} first`);
    const { key: second } = await talk.say(`#echo ${word} second`);
    await talk.say(`#echo ${word} third`, { key: first });
    const { sessions } = await list({ search: word, includeDerivedTitles: true, includeLastMessage: true });
    expect(sessions).toMatchObject([
      {
        key: full(first),
        kind: 'direct',
        derivedTitle: `#echo ${word} first`,
        lastMessagePreview: `${word} third`,
      },
      {
        key: full(second),
        lastMessagePreview: `${word} second`,
        model: 'm1',
        modelProvider: 'watched',
        contextTokens: 50_000,
      },
    ]);
    const [bare] = (await list({ search: word })).sessions;
    expect(bare).not.toHaveProperty('derivedTitle');
    expect(bare).not.toHaveProperty('lastMessagePreview');
  });

  test('comes in pages that join without a gap', async () => {
    const word = randomUUID();
    for (let n = 0; n < 5; n += 1) await talk.patch(`${word}-${n}`, { label: `${word} ${n}` });
    const all = (await list({ search: word })).sessions.map(({ key }) => key);
    expect(all).toHaveLength(5);
    let pages: string[] = [];
    for (let offset: number | undefined = 0; offset !== undefined;) {
      const page: List = await list({ search: word, limit: 2, offset });
      expect(page).toMatchObject({ totalCount: 5, count: page.sessions.length });
      pages = [...pages, ...page.sessions.map(({ key }) => key)];
      offset = page.nextOffset;
    }
    expect(pages).toEqual(all);
  });

  test.each([
    ['the label', (word: string) => ({ search: `LABEL ${word}` })],
    ['the key', (word: string) => ({ search: `key-${word}` })],
    ['the title', (word: string) => ({ search: `title ${word}` })],
    ['the last words', (word: string) => ({ search: `answer ${word}` })],
    ['the exact label', (word: string) => ({ label: `Label ${word}` })],
    ['the agent', (word: string) => ({ agentId: 'second', search: word })],
    ['the time', (word: string) => ({ activeMinutes: 5, search: word })],
  ])('is searched by %s', async (_what, params) => {
    const word = randomUUID();
    const key = `agent:second:key-${word}`;
    await talk.say(`#echo answer ${word}`, { key: randomUUID() }); // its title and words hold the word too
    await talk.patch(key, { label: `Label ${word}` });
    await talk.say(`title ${word} #echo answer ${word}`, { key });
    expect((await list(params(word))).sessions.map((row) => row.key)).toContain(key);
    expect((await list({ ...params(randomUUID()) })).sessions).toEqual([]);
  });

  test('is the user’s own: others see neither rows nor words, and may use the same keys and labels', async () => {
    const key = randomUUID();
    await talk.say('my word is heliotrope', { key });
    await talk.patch(key, { label: key });
    expect((await bob.request<List>('sessions.list', { search: key })).sessions).toEqual([]);
    expect(await bob.request('chat.history', { sessionKey: key })).toMatchObject({ messages: [] });
    await expect(bob.request('sessions.resolve', { label: key })).rejects.toThrow(`No session found: ${key}`);
    await bob.request('sessions.patch', { key, label: key });
    expect((await talk.say('#history', { key, as: bob })).text).not.toContain('heliotrope');
  });

  test.each([
    ['/v1/chat/completions', { messages: [{ role: 'user', content: 'hello' }] }],
    ['/v1/responses', { input: 'hello' }],
  ])('does not hold what %s made for one request, but what it made for a user', async (path, body) => {
    const { url, token, wsUrl } = talk.standalone;
    using gateway = listen(wsUrl, token);
    const listed = async (): Promise<string[]> =>
      (await gateway.request<List>('sessions.list')).sessions.map(({ key }) => key);
    const post = async (more: object): Promise<number> => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const whole = JSON.stringify({ model: 'moltbot', ...body, ...more });
      return (await fetch(`${url}${path}`, { method: 'POST', headers, body: whole })).status;
    };
    const before = await listed();
    expect(await post({})).toBe(200);
    expect(await listed()).toEqual(before);
    const user = randomUUID();
    expect(await post({ user })).toBe(200);
    expect((await listed()).filter((key) => !before.includes(key))).toEqual([expect.stringContaining(user)]);
  });
});

describe('a name', () => {
  test('is given, changed and taken away; an empty session is made for it', async () => {
    const key = randomUUID();
    const entryAfter = async (label: string | null) =>
      ((await talk.patch(key, { label })) as { entry: Row }).entry['label'];
    expect(await entryAfter(`one ${key}`)).toBe(`one ${key}`);
    expect(await entryAfter(`two ${key}`)).toBe(`two ${key}`);
    expect((await list({ search: key })).sessions[0]).toMatchObject({
      label: `two ${key}`,
      displayName: `two ${key}`,
    });
    expect(await entryAfter(null)).toBeUndefined();
    expect((await talk.history(key)).messages).toEqual([]);
  });

  test('is refused while another session has it, and free again after', async () => {
    const [first, second, label] = [randomUUID(), randomUUID(), `label ${randomUUID()}`];
    await talk.patch(first, { label });
    await talk.patch(first, { label }); // its own is no conflict
    await expect(talk.patch(second, { label })).rejects.toThrow(`label already in use: ${label}`);
    await call('sessions.delete', { key: first });
    expect(await talk.patch(second, { label })).toMatchObject({ ok: true });
  });

  test.each([
    [{ thinkingLevel: 'enormous' }, 'invalid thinkingLevel (use off|minimal|low|medium|high)'],
    [{ sendPolicy: 'maybe' }, 'invalid sendPolicy (use allow|deny)'],
    [{ model: 'nobody/none' }, 'model not allowed: nobody/none'],
    [{ label: '' }, 'invalid sessions.patch params'],
    [{ color: 'red' }, "at root: unexpected property 'color'"],
  ])('%j is refused in words', async (changes, words) => {
    await expect(talk.patch(randomUUID(), changes)).rejects.toThrow(words);
  });

  test('and every setting come back from sessions.patch, null clears them', async () => {
    const key = randomUUID();
    const settings = {
      thinkingLevel: 'HIGH',
      verboseLevel: 'on',
      responseUsage: 'full',
      sendPolicy: 'allow',
      groupActivation: 'always',
    };
    const { entry } = (await talk.patch(key, { ...settings, model: 'watched/m2' })) as { entry: Row };
    expect(entry).toMatchObject({
      ...settings,
      thinkingLevel: 'high',
      modelOverride: 'm2',
      providerOverride: 'watched',
    });
    const cleared = Object.fromEntries([...Object.keys(settings), 'model'].map((name) => [name, null]));
    const after = ((await talk.patch(key, cleared)) as { entry: Row }).entry;
    for (const name of [...Object.keys(settings), 'modelOverride']) expect(after).not.toHaveProperty(name);
  });
});

describe('one session', () => {
  test('is resolved by key, id or label', async () => {
    const { key } = await talk.say('hello');
    const label = `label ${key}`;
    await talk.patch(key, { label });
    const { sessionId } = await talk.history(key);
    for (const params of [{ key }, { key: full(key) }, { sessionId }, { label }])
      expect(await call('sessions.resolve', params)).toEqual({ ok: true, key: full(key) });
    await expect(call('sessions.resolve', { key: 'nowhere' })).rejects.toThrow('No session found: nowhere');
    await expect(call('sessions.resolve', {})).rejects.toThrow('Either key, sessionId or label is required');
  });

  test('is previewed with its last words, cut to length; a missing and an empty one say so', async () => {
    const { key } = await talk.say(`#echo ${'long '.repeat(40)}`);
    const empty = randomUUID();
    await talk.patch(empty, { label: empty });
    const missing = randomUUID();
    expect(
      await call('sessions.preview', { keys: [key, empty, missing], limit: 1, maxChars: 20 }),
    ).toMatchObject({
      previews: [
        { key, status: 'ok', items: [{ role: 'assistant', text: 'long '.repeat(4) }] },
        { key: empty, status: 'empty', items: [] },
        { key: missing, status: 'missing', items: [] },
      ],
    });
  });

  test('is deleted: gone from the list, found by nobody, a new one under its key; main is not', async () => {
    const { key } = await talk.say('my word is heliotrope');
    expect(await call('sessions.delete', { key })).toMatchObject({ ok: true, key: full(key), deleted: true });
    expect(await call('sessions.delete', { key })).toMatchObject({ deleted: false, archived: [] });
    expect((await list({ search: key })).sessions).toEqual([]);
    await expect(call('sessions.resolve', { key })).rejects.toThrow('No session found');
    expect((await talk.say('#history', { key })).text).not.toContain('heliotrope');
    await expect(call('sessions.delete', { key: 'main' })).rejects.toThrow(
      'Cannot delete the main session (agent:main:main).',
    );
  });

  test('that is deleted while it answers ends its turn', async () => {
    const run = await talk.send('#tokens 100 #delay 50');
    await expect.poll(() => talk.me.agents(run.runId).length).toBeGreaterThan(1);
    expect(await call('sessions.delete', { key: run.key })).toMatchObject({ deleted: true });
    expect(await talk.me.end(run.runId)).toMatchObject({ state: 'aborted', stopReason: 'rpc' });
    expect(await call('chat.history', { sessionKey: run.key })).toMatchObject({ messages: [] });
  });
});

describe('spellings', () => {
  test.each([
    ['agent:main:main', ['main', 'MAIN', ' main ', 'agent:main:main', 'Agent:MAIN:Main']],
    ['agent:main:foo bar', ['foo bar', 'Foo Bar', 'agent:main:FOO BAR', ' foo bar']],
    ['agent:main:привет 汉字 é😀', ['привет 汉字 é😀', 'ПРИВЕТ 汉字 É😀', 'agent:main:Привет 汉字 é😀']],
    ['agent:second:main', ['agent:second:main', 'AGENT:Second:MAIN']],
  ])('of %s meet in one session, and each client hears its own', async (canonical, spellings) => {
    const word = randomUUID();
    for (const [at, key] of spellings.entries()) {
      const { end, runId } = await talk.say(`${word} ${at}`, { key });
      const heard = new Set([...talk.me.chats(runId), end].map(({ sessionKey }) => sessionKey));
      expect([...heard]).toEqual([key.trim()]);
    }
    for (const key of spellings) {
      const history = await call('chat.history', { sessionKey: key });
      expect(history).toMatchObject({ sessionKey: key });
      const said = (history as { messages: { role: string; content: { text: string }[] }[] }).messages
        .filter(({ role, content }) => role === 'user' && content[0]?.text.startsWith(word))
        .map(({ content }) => content[0]?.text);
      expect(said).toEqual(spellings.map((_, at) => `${word} ${at}`));
    }
    expect((await list()).sessions.filter(({ key }) => key === canonical)).toHaveLength(1);
  });

  test.each([
    ['unknown', 'session key "unknown" is reserved'],
    ['a\u0000b', 'session key holds control characters'],
    ['x'.repeat(600), 'session key is longer than 512 characters'],
  ])('%j is refused in words', async (key, words) => {
    await expect(talk.send('hello', { key })).rejects.toThrow(words);
  });
});
