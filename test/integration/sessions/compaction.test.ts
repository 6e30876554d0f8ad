/** A conversation longer than its model's window: old turns give way to a summary, the log keeps all. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { listen, newPerson } from '../../support/people.ts';
import { ENTRY, provider, startTalk, type MessagesBody, type Talk } from '../models/talk.ts';

const WINDOW_TOKENS = 2_000;
const SMALL_WINDOW_TOKENS = 900;
const COST = { input: 1_000, output: 1_000, cacheRead: 0, cacheWrite: 0 };

let talk: Talk;
beforeAll(async () => {
  talk = await startTalk({
    config: (url) => ({
      models: {
        providers: {
          watched: provider(url, {
            models: [
              { ...ENTRY, cost: COST },
              { ...ENTRY, id: 'small', maxTokens: 300, contextWindow: SMALL_WINDOW_TOKENS, cost: COST },
            ],
            budget: { daily: 10_000 },
          }),
        },
      },
      agents: { defaults: { model: { primary: 'watched/m1' }, contextTokens: WINDOW_TOKENS } },
    }),
    env: { PROVIDER_MAX_RETRIES: '0' },
  });
});
afterAll(() => talk[Symbol.asyncDispose]());
afterEach(() => talk.model.script([]));

const FILLER = 'The quick brown fox jumps over the lazy dog while the sun sets. '.repeat(5);
/** Some 90 tokens, and an answer as long. */
const turn = (n: number): string => `#echo turn ${n}. ${FILLER}`.trim();

const bodies = (word: string): MessagesBody[] => talk.asked(word).map(({ body }) => body as MessagesBody);
const isSummaryCall = ({ system }: MessagesBody): boolean =>
  system[0]?.text?.startsWith('You are compacting') === true;
const textOf = ({ messages }: MessagesBody): string =>
  messages.flatMap(({ content }) => content.map(({ text = '' }) => text)).join('\n');
const sizeOf = (body: MessagesBody): number =>
  Math.ceil((textOf(body).length + (body.system[0]?.text?.length ?? 0)) / 4);

async function turns(key: string, from: number, to: number): Promise<string[]> {
  const runIds: string[] = [];
  for (let n = from; n <= to; n += 1) {
    const { runId, end } = await talk.say(`${turn(n)} ${key}`, { key });
    expect(end.state).toBe('final');
    runIds.push(runId);
  }
  return runIds;
}

describe('a conversation that outgrows its window', () => {
  const key = randomUUID();
  let runIds: string[];
  beforeAll(async () => {
    runIds = await turns(key, 1, 24);
  });

  test('is summarised by the model, more than once', () => {
    const summaries = bodies(key).filter(isSummaryCall);
    expect(summaries.length).toBeGreaterThanOrEqual(2);
    for (const body of summaries) {
      expect(body.messages.at(-1)).toMatchObject({ role: 'user' });
      expect(body.messages.at(-1)?.content.at(-1)?.text).toBe('Summarise our conversation so far.');
    }
    // the first topic is handed on from summary to summary
    expect(textOf(summaries.at(-1) as MessagesBody)).toContain('Summary of the conversation so far:');
  });

  test('never sends more than the window holds', () => {
    for (const body of bodies(key)) expect(sizeOf(body)).toBeLessThan(WINDOW_TOKENS);
  });

  test('goes on with the summary and the newest turns alone', () => {
    const last = bodies(key)
      .filter((body) => !isSummaryCall(body))
      .at(-1) as MessagesBody;
    expect(last.messages[0]?.content[0]?.text).toMatch(
      /^Summary of the conversation so far:\n\nDemo summary of/,
    );
    expect(textOf(last)).not.toContain('#echo turn 2.');
    expect(textOf(last)).toContain('#echo turn 23.');
    expect(last.messages.at(-1)?.content.at(-1)?.text).toContain('#echo turn 24.');
    expect(last.messages.map(({ role }) => role)).toEqual(
      last.messages.map((_, at) => (at % 2 === 0 ? 'user' : 'assistant')),
    );
  });

  test('keeps every word in its history, the summaries unseen', async () => {
    const { messages } = await talk.history(key, { limit: 1_000 });
    expect(messages.filter(({ role }) => role === 'user')).toHaveLength(24);
    expect(messages.filter(({ role }) => role === 'assistant')).toHaveLength(24);
    expect(messages[0]?.content[0]?.text).toContain('turn 1.');
    expect(JSON.stringify(messages)).not.toContain('Demo summary');
  });

  test('says so while it happens, between the start and the end of its turn', () => {
    const compacted = runIds.filter((runId) =>
      talk.me.agents(runId).some(({ stream }) => stream === 'compaction'),
    );
    expect(compacted).toHaveLength(bodies(key).filter(isSummaryCall).length);
    for (const runId of compacted) {
      const told = talk.me.agents(runId).filter(({ stream }) => stream !== 'assistant');
      expect(told.map(({ stream, data }) => `${stream} ${String(data['phase'])}`)).toEqual([
        'lifecycle start',
        'compaction start',
        'compaction end',
        'lifecycle end',
      ]);
    }
  });

  test('remembers over a reset of nothing: a new session knows no summary', async () => {
    await talk.say('/new', { key });
    await talk.say(`#echo fresh ${key}`, { key });
    expect(bodies(`fresh ${key}`).at(-1)?.messages).toHaveLength(1);
  });
});

test('the summary is paid for: its tokens are in usage.cost and in models.usage', async () => {
  using admin = listen(talk.standalone.wsUrl, talk.standalone.token);
  using eve = listen(talk.standalone.wsUrl, (await newPerson(admin, 'eve')).token);
  const key = randomUUID();
  const before = talk.model.requests().length;
  for (let n = 1; n <= 12; n += 1) await talk.say(`${turn(n)} ${key}`, { key, as: eve });
  const asked = talk.model.requests().slice(before);
  expect(asked.filter(({ body }) => isSummaryCall(body as MessagesBody)).length).toBeGreaterThan(0);
  const sent = asked.reduce((sum, { body }) => sum + sizeOf(body as MessagesBody), 0);
  const { totals } = await eve.request<{ totals: { input: number } }>('usage.cost', { days: 1 });
  expect(totals.input).toBeGreaterThan(sent * 0.97);
});

describe('a summary that fails', () => {
  test.each([
    ['is refused', { kind: 'status', status: 400, message: 'no summary today' }, /no summary today/],
    ['is cut off', { kind: 'cut', afterTokens: 2 }, /\S/],
  ] as const)(
    'because it %s ends the turn in words, and the next turn goes on',
    async (_what, fault, words) => {
      const key = randomUUID();
      await turns(key, 1, 7);
      talk.model.script({ ...fault, model: 'small' });
      await talk.patch(key, { model: 'watched/small' });
      const { end, runId } = await talk.say(`#echo with a fault ${key}`, { key });
      expect(end.state).toBe('error');
      expect(end.errorMessage).toMatch(words);
      const told = talk.me.agents(runId).map(({ stream, data }) => `${stream} ${String(data['phase'])}`);
      expect(told).toEqual(['lifecycle start', 'compaction start', 'compaction end', 'lifecycle error']);

      const { text } = await talk.say(`#echo and on ${key}`, { key });
      expect(text).toBe(`and on ${key}`);
      const users = (await talk.history(key)).messages.filter(({ role }) => role === 'user');
      expect(users).toHaveLength(9);
    },
  );
});

test.each([5, 6, 7, 8, 9])('%i turns fit into the smaller window of another model', async (count) => {
  const key = randomUUID();
  await turns(key, 1, count);
  await talk.patch(key, { model: 'watched/small' });
  const { text } = await talk.say(`#echo smaller ${key}`, { key });
  expect(text).toBe(`smaller ${key}`);
  const small = bodies(key).filter(({ model }) => model === 'small');
  for (const body of small) {
    expect(body.messages[0]?.role).toBe('user');
    expect(body.max_tokens).toBeLessThanOrEqual(300);
    expect(sizeOf(body)).toBeLessThan(SMALL_WINDOW_TOKENS);
  }
});
