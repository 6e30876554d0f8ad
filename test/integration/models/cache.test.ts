/** The prompt cache: where the marks are, that the prefix stays, and what the tokens then cost. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PNG } from '../../support/http-product.ts';
import { listen, newPerson, type Listener } from '../../support/people.ts';
import { bodyOf, ENTRY, provider, startTalk, type Block, type MessagesBody, type Talk } from './talk.ts';

/** USD per million tokens: four different numbers, so that none can stand for another. */
const COST = { input: 5_000, output: 25_000, cacheRead: 500, cacheWrite: 6_250 };

let talk: Talk;
beforeAll(async () => {
  const params = (cacheControlTtl?: string) => ({ params: { cacheControlTtl } });
  talk = await startTalk({
    config: (url) => ({
      models: {
        providers: {
          watched: provider(url, {
            models: ['long', 'short', 'none'].map((id) => ({ ...ENTRY, id, cost: COST })),
          }),
        },
      },
      agents: {
        defaults: {
          model: { primary: 'watched/long' },
          models: { 'watched/long': params('1h'), 'watched/short': params('5m'), 'watched/none': {} },
        },
      },
    }),
  });
});
afterAll(() => talk[Symbol.asyncDispose]());

/** The prompt as the provider's cache reads it, one line a block, without the marks. */
function prompt({ system, messages }: MessagesBody): { lines: string[]; marks: number[] } {
  const blocks: [string, Block][] = [
    ...system.map((block): [string, Block] => ['system', block]),
    ...messages.flatMap(({ role, content }) => content.map((block): [string, Block] => [role, block])),
  ];
  return {
    lines: blocks.map(([role, { cache_control: _mark, ...block }]) => `${role} ${JSON.stringify(block)}`),
    marks: blocks.flatMap(([, block], at) => (block.cache_control === undefined ? [] : [at])),
  };
}

describe('the marks', () => {
  test.each([
    ['watched/long', { type: 'ephemeral', ttl: '1h' }],
    ['watched/short', { type: 'ephemeral', ttl: '5m' }],
  ])('of %s are on the company’s words and on the newest message', async (model, mark) => {
    const key = randomUUID();
    await talk.patch(key, { model });
    await talk.say('#echo one', { key });
    await talk.say(`#echo ${key}`, { key });
    const body = await bodyOf(talk, key);
    expect(body.system.map(({ cache_control }) => cache_control)).toEqual([mark]);
    expect(body.messages.map(({ content }) => content.map(({ cache_control }) => cache_control))).toEqual([
      [undefined],
      [undefined],
      [mark],
    ]);
  });

  test('are absent without the setting', async () => {
    const key = randomUUID();
    await talk.patch(key, { model: 'watched/none' });
    await talk.say(`#echo ${key}`, { key });
    expect(JSON.stringify(await bodyOf(talk, key))).not.toContain('cache_control');
  });
});

describe('the prefix', () => {
  const IMAGE = [{ type: 'image', mimeType: 'image/png', fileName: 'dot.png', content: PNG }];
  /** What people do in a conversation; none of it may change what was sent before. */
  const TURNS: [string, Record<string, unknown>?][] = [
    ['plain words'],
    ['#think a thought', { thinking: 'low' }],
    ['an image', { attachments: IMAGE }],
    ['/status'],
    ['#tokens 9 #fault cut 4'],
    ['#echo 汉字 and “quotes”'],
    ['#fault 400'],
    ['the end', { thinking: 'high' }],
  ];

  test('up to the mark of one turn is byte for byte in the next', async () => {
    const key = randomUUID();
    const before = talk.model.requests().length;
    for (const [message, params] of TURNS) await talk.say(message, { key, ...params });
    const bodies = talk.model
      .requests()
      .slice(before)
      .map(({ body }) => prompt(body as MessagesBody));
    expect(bodies).toHaveLength(TURNS.length - 1); // a command asks no model
    for (const [at, { lines, marks }] of bodies.entries()) {
      expect(marks).toEqual([0, lines.length - 1]);
      expect(bodies[at + 1]?.lines.slice(0, lines.length) ?? lines).toEqual(lines);
    }
  });
});

describe('the tokens', () => {
  type Counts = { input: number; output: number; cacheRead: number; cacheWrite: number };
  type Usage = Counts & { cost: { total: number } };
  type Row = Counts & { model: string; calls: number; costMicroUsd: number };

  const cached = ({ cacheRead, cacheWrite }: Counts): number => cacheRead + cacheWrite;
  const costOf = (counts: Counts): number =>
    (Object.keys(COST) as (keyof Counts)[]).reduce((sum, name) => sum + counts[name] * COST[name], 0) / 1e6;

  let grace: Listener;
  let usages: Usage[];
  let totals: Counts;
  beforeAll(async () => {
    using admin = listen(talk.standalone.wsUrl, talk.standalone.token);
    grace = listen(talk.standalone.wsUrl, (await newPerson(admin, 'grace')).token);
    const key = 'counted';
    for (const message of ['#tokens 50', '#tokens 60', '#tokens 70'])
      await talk.say(message, { key, as: grace });
    type Message = { role: string; usage: Usage };
    const { messages } = await grace.request<{ messages: Message[] }>('chat.history', { sessionKey: key });
    usages = messages.filter(({ role }) => role === 'assistant').map(({ usage }) => usage);
    const sum = (name: keyof Counts): number => usages.reduce((total, usage) => total + usage[name], 0);
    const names = ['input', 'output', 'cacheRead', 'cacheWrite'] as const;
    totals = Object.fromEntries(names.map((name) => [name, sum(name)])) as Counts;
  });
  afterAll(() => grace[Symbol.dispose]());

  test('of every call are in the history, with their cost', () => {
    expect(usages.map(({ output }) => output)).toEqual([50, 60, 70]);
    for (const usage of usages) expect(usage.cost.total).toBeCloseTo(costOf(usage), 5);
  });

  test('that one call has written to the cache are read by the next', () => {
    for (const [at, usage] of usages.slice(1).entries()) {
      expect(usage.cacheRead).toBeGreaterThanOrEqual(cached(usages[at] as Usage));
      expect(usage.cacheWrite).toBeGreaterThan(40); // the answer before, at least
    }
  });

  test('of the last call are in the session’s row', async () => {
    const { input, output, cacheRead, cacheWrite } = usages.at(-1) as Usage;
    const { sessions } = await grace.request<{ sessions: unknown[] }>('sessions.list');
    const totalTokens = input + cacheRead + cacheWrite;
    expect(sessions).toMatchObject([
      { inputTokens: input, outputTokens: output, totalTokens, model: 'long', modelProvider: 'watched' },
    ]);
  });

  test('of the day are in usage.cost and models.usage', async () => {
    const cost = await grace.request<{ totals: { totalCost: number } }>('usage.cost', { days: 1 });
    expect(cost.totals).toMatchObject({ ...totals, missingCostEntries: 0 });
    expect(cost.totals.totalCost).toBeCloseTo(costOf(totals), 4);
    const { daily } = await grace.request<{ daily: { rows: Row[] }[] }>('models.usage', { days: 1 });
    expect(daily.flatMap(({ rows }) => rows)).toMatchObject([{ model: 'watched/long', calls: 3, ...totals }]);
  });
});
