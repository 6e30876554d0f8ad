/** What the guide says about the model's API: how it is called, its cache, its budget. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { API_KEY, startGuideServer, type GuideServer } from './server.ts';

type Block = { text: string; cache_control?: unknown };
type Body = {
  model: string;
  stream: boolean;
  system: Block[];
  messages: { role: string; content: Block[] }[];
};

const ONE_HOUR = { type: 'ephemeral', ttl: '1h' };

let server: GuideServer;
beforeAll(async () => {
  server = await startGuideServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const say = (message: string, session: string): Promise<string> =>
  server.says(`moltbot agent --session-key ${session} --message "${message}"`);
const lastBody = (): Body => server.asked().at(-1)?.body as Body;
async function set(path: string, value: string): Promise<void> {
  await server.says(`moltbot config set '${path}' '${value}'`);
}

test('G-5: the API is called as the guide tests it with curl, below the path of its address', async () => {
  expect(await say('#echo hello', 'shape')).toBe('hello\n');
  const { method, path, headers } = server.asked().at(-1) ?? {};
  expect({ method, path }).toEqual({ method: 'POST', path: '/v1/messages' }); // the prefix is checked on its way
  expect(headers).toMatchObject({ 'x-api-key': API_KEY, 'anthropic-version': '2023-06-01' });
  expect(headers?.authorization).toBeUndefined();
  expect(lastBody()).toMatchObject({ model: 'claude-opus-4-5', stream: true });
  expect(lastBody().messages.at(-1)).toMatchObject({ role: 'user', content: [{ text: '#echo hello' }] });
});

test('G-5: a provider block with an address of its own and ${ANTHROPIC_API_KEY} is called there', async () => {
  await using other = await startGuideServer(`{
    models: { providers: { bigmodel: {
      baseUrl: '\${ANTHROPIC_BASE_URL}', apiKey: '\${ANTHROPIC_API_KEY}' } } },
    agents: { defaults: { model: { primary: 'bigmodel/glm-4.7' } } },
  }`);
  expect(await other.says('moltbot agent --message "#echo from BigModel"')).toBe('from BigModel\n');
  expect(other.asked()).toHaveLength(1);
  expect(other.asked()[0]).toMatchObject({
    path: '/v1/messages',
    headers: { 'x-api-key': API_KEY },
    body: { model: 'glm-4.7' },
  });
});

test('G-5: a missing key is named at the start, with its place', async () => {
  await expect(startGuideServer(undefined, { ANTHROPIC_API_KEY: '' })).rejects.toThrow(
    'Missing env var "ANTHROPIC_API_KEY" referenced at config path: models.providers.anthropic.apiKey',
  );
});

describe('the cache of the guide', () => {
  test('G-6: cacheControlTtl "1h" marks the prefix of every request for one hour', async () => {
    await say('#echo one', 'cached');
    await say('#echo two', 'cached');
    const { system, messages } = lastBody();
    expect(system.at(-1)?.cache_control).toEqual(ONE_HOUR);
    expect(messages.map(({ content }) => content.at(-1)?.cache_control)).toEqual([
      undefined,
      undefined,
      ONE_HOUR,
    ]);
  });

  test('G-6: without the setting nothing is marked; the change is felt by the next message', async () => {
    await set('agents.defaults.models["anthropic/claude-opus-4-5"].params', '{}');
    await say('#echo three', 'cached');
    expect(JSON.stringify(lastBody())).not.toContain('cache_control');
  });
});

describe('the budget of the guide', () => {
  test('G-7: 80 % and 100 % of the day are told in the log and to Prometheus, once', async () => {
    await say('#tokens 400', 'spend');
    const { totals } = JSON.parse(await server.says('moltbot gateway call usage.cost')) as {
      totals: { totalCost: number };
    };
    const alerts = async (): Promise<string[]> =>
      (await server.log()).match(/(?<="msg":")\d+ % of the daily budget of anthropic is used/g) ?? [];
    const [first, second] = [80, 100].map((share) => `${share} % of the daily budget of anthropic is used`);

    await set('models.providers.anthropic.budget.daily', String(totals.totalCost / 0.9));
    await expect.poll(alerts, { timeout: 10_000 }).toEqual([first]);
    await set('models.providers.anthropic.budget.alert', 'false');
    await set('models.providers.anthropic.budget.daily', String(totals.totalCost));
    const left = 'moltbot_budget_remaining_ratio{provider="anthropic"} 0\n';
    const metrics = (): Promise<string> => server.says('curl -s http://localhost:18789/metrics');
    await expect.poll(metrics, { timeout: 10_000 }).toContain(left);
    expect(await alerts()).toEqual([first]);
    await set('models.providers.anthropic.budget.alert', 'true');
    await expect.poll(alerts, { timeout: 10_000 }).toEqual([first, first, second]);
    expect(await metrics()).toContain('moltbot_budget_alerts_total{provider="anthropic",share="100"} 1');
  });

  test('G-7: what was spent counts against the day, and a message that would exceed it is refused', async () => {
    await set('models.providers.anthropic.budget', '{ daily: 100, alert: true }');
    await say('#tokens 400', 'spend');
    expect(await server.says('moltbot models usage')).toMatch(/claude-opus-4-5 .* \$0\.0[1-9]/);

    await set('models.providers.anthropic.budget.daily', '0.01');
    const before = server.asked().length;
    const refused = await server.run('moltbot agent --session-key spend --message "one more"');
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/the daily budget of provider anthropic is used up/);
    expect(server.asked()).toHaveLength(before);
  });

  test('G-7: a higher limit lets the next message through', async () => {
    await set('models.providers.anthropic.budget.daily', '100');
    expect(await say('#echo again', 'spend')).toBe('again\n');
  });
});
