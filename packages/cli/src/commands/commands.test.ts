import { Refusal, Twice } from '@moltbot/client/testing';
import { describe, expect, test } from 'vitest';
import { bench, moltbot } from '../testing/command-line.ts';

const HEALTH = {
  ok: true,
  ts: 1,
  durationMs: 2,
  defaultAgentId: 'main',
  agents: [{ agentId: 'main' }],
  sessions: { path: 'redis', count: 3 },
};
const TOTALS = {
  input: 10,
  output: 5,
  cacheRead: 0,
  cacheWrite: 0,
  totalTokens: 15,
  totalCost: 0.5,
  missingCostEntries: 0,
};
const USAGE = { updatedAt: 1, days: 7, daily: [{ date: '2026-11-23', ...TOTALS }], totals: TOTALS };
const CONFIG = {
  path: '/etc/moltbot/moltbot.json',
  exists: true,
  valid: true,
  hash: 'h1',
  issues: [],
  parsed: {},
  config: {
    agents: { defaults: { maxConcurrent: 4 } },
    models: { providers: { anthropic: { baseUrl: 'http://127.0.0.1:9/v1' } } },
  },
};
const MODELS = {
  models: [
    { id: 'big', name: 'Big', provider: 'anthropic', contextWindow: 200_000, input: ['text', 'image'] },
    { id: 'small', name: 'Small', provider: 'anthropic' },
  ],
};
const MODEL_STATUS = {
  configPath: '/etc/moltbot/moltbot.json',
  defaultModel: 'best',
  resolvedDefault: 'anthropic/big',
  fallbacks: ['anthropic/small'],
  aliases: { best: 'anthropic/big' },
  allowed: ['anthropic/big'],
  ready: true,
  auth: { providers: [{ provider: 'anthropic', hasKey: true }] },
};
const ROW = { calls: 2, input: 10, output: 5, cacheRead: 0, cacheWrite: 0, unpriced: 0 };
const MODEL_USAGE = {
  updatedAt: 1,
  days: 7,
  user: 'alice',
  daily: [
    { day: '2026-11-22', rows: [{ model: 'anthropic/big', ...ROW, costMicroUsd: 500_000 }] },
    {
      day: '2026-11-23',
      rows: [
        { model: 'anthropic/big', ...ROW, costMicroUsd: 1_500_000 },
        { model: 'local/free', ...ROW, costMicroUsd: 0, unpriced: 2 },
      ],
    },
  ],
};

describe('gateway call', () => {
  test('prints the payload as JSON, with the parameters as typed', async () => {
    await using t = await bench({ echo: (params) => ({ got: params }) });
    const outcome = await t.moltbot('gateway', 'call', 'echo', '--params', "{ raw: '{a:1}', n: 2 }");
    expect(outcome).toMatchObject({ code: 0, err: '' });
    expect(outcome.json()).toEqual({ got: { raw: '{a:1}', n: 2 } });
  });

  test('waits for the second answer when asked to', async () => {
    await using t = await bench({ agent: () => new Twice({ status: 'accepted' }, { status: 'ok' }) });
    expect((await t.moltbot('gateway', 'call', 'agent', '--expect-final')).json()).toEqual({ status: 'ok' });
    expect((await t.moltbot('gateway', 'call', 'agent')).json()).toEqual({ status: 'accepted' });
  });

  test.each([
    ['unknown method: config.gt', 'did you mean config.get, config.patch?'],
    ['missing scope: operator.admin', 'lacks operator.admin'],
    ['config changed since last load; re-run config.get and retry', 'moltbot gateway call config.get'],
  ])('fails with "%s" and what to do next', async (message, nextStep) => {
    const refuse = () => Promise.reject(new Refusal({ code: 'INVALID_REQUEST', message }));
    await using t = await bench({ 'config.gt': refuse }, ['config.get', 'config.patch', 'health']);
    const outcome = await t.moltbot('gateway', 'call', 'config.gt');
    expect(outcome).toMatchObject({ code: 1, out: '' });
    expect(outcome.err).toContain(`Gateway call failed: Error: ${message}\n`);
    expect(outcome.err).toContain(nextStep);
  });

  test('gives up after --timeout', async () => {
    await using t = await bench({ slow: () => new Promise(() => undefined) });
    const outcome = await t.moltbot('gateway', 'call', 'slow', '--timeout', '50');
    expect(outcome).toMatchObject({ code: 1, err: expect.stringContaining('no answer within 50 ms') });
  });
});

describe('what every command can do', () => {
  test.each([
    ['before the command', (url: string) => ['--url', url, '--token', 'tok', 'health']],
    ['after it', (url: string) => ['health', '--url', url, '--token', 'tok']],
    ['after a nested one', (url: string) => ['gateway', 'health', '--url', url, '--token', 'tok']],
  ])('takes --url and --token %s', async (_where, line) => {
    await using t = await bench({
      health: (_params, peer) => ({ ...HEALTH, ok: JSON.stringify(peer.connect).includes('"tok"') }),
    });
    expect((await moltbot(line(t.gateway.url))).code).toBe(0);
  });

  test.each([
    [['--url', 'ws://127.0.0.1:1', 'health'], 'moltbot gateway run'],
    [['--url', 'ws://no-such-host.invalid', 'sessions'], 'is not known here'],
  ])('says what to do when the gateway is not there: %j', async (line, nextStep) => {
    const outcome = await moltbot(line);
    expect(outcome).toMatchObject({ code: 1, out: '', err: expect.stringContaining(nextStep) });
  });

  test('says where a refused token came from', async () => {
    const message =
      'unauthorized: gateway token mismatch (set gateway.remote.token to match gateway.auth.token)';
    await using t = await bench({
      health: () => Promise.reject(new Refusal({ code: 'INVALID_REQUEST', message })),
    });
    const outcome = await t.moltbot('health');
    expect(outcome.err).toContain('the token from MOLTBOT_GATEWAY_TOKEN is not valid here');
  });

  test.each([
    [['bogus']],
    [['gateway', 'call']],
    [['tokens', 'create']],
    [['health', '--timeout', 'soon']],
    [['gateway', 'call', 'x', '--params', '{']],
  ])('a wrong line ends with 1 and help: %j', async (line) => {
    expect(await moltbot(line)).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringMatching(/^error: .*\n[^]*--help/),
    });
  });

  test('Ctrl-C while waiting ends with 130', async () => {
    const interrupt = new AbortController();
    await using t = await bench({ health: () => (interrupt.abort(), new Promise(() => undefined)) });
    const shell = {
      env: { MOLTBOT_GATEWAY_URL: t.gateway.url, MOLTBOT_GATEWAY_TOKEN: 'x' },
      interrupted: interrupt.signal,
    };
    expect((await moltbot(['health'], shell)).code).toBe(130);
  });
});

describe('reading', () => {
  const methods = {
    health: () => HEALTH,
    status: () => ({
      sessions: {
        count: 3,
        defaults: { model: 'anthropic/big', contextTokens: 200_000 },
        recent: [
          { key: 'agent:main:main', age: 90_000, totalTokens: 1_234, contextTokens: 200_000, percentUsed: 1 },
        ],
      },
    }),
    'system-presence': () => [
      { host: 'web-1', mode: 'webchat', version: '1', platform: 'linux', ts: Date.now() - 5_000 },
    ],
    'models.list': () => MODELS,
    'config.get': () => CONFIG,
    'usage.cost': () => USAGE,
    'models.usage': () => MODEL_USAGE,
    'models.status': () => MODEL_STATUS,
    'sessions.list': () => ({
      path: 'redis',
      count: 1,
      sessions: [
        {
          key: 'agent:main:main',
          kind: 'direct',
          updatedAt: Date.now() - 120_000,
          model: 'big',
          totalTokens: 12_000,
          contextTokens: 200_000,
          thinkingLevel: 'low',
        },
      ],
    }),
    'tokens.list': () => ({
      tokens: [
        {
          id: 'abc',
          userId: 'alice',
          label: 'laptop',
          role: 'member',
          createdAtMs: 1_763_884_800_000,
          expiresAtMs: null,
        },
      ],
    }),
  };

  test.each<[line: string, expected: string[]]>([
    ['gateway health', ['Gateway Health\nOK (']],
    ['health', ['OK (', 'Agents: main (default)', 'Sessions: 3']],
    [
      'status',
      [
        'Gateway:  ws://',
        'Health:   OK',
        'Model:    anthropic/big (200.0k context)',
        'agent:main:main',
        '1m ago',
        '1.2k/200.0k (1%)',
      ],
    ],
    ['status --deep', ['Presence: 1']],
    ['gateway status', ['RPC probe: ok', 'MOLTBOT_GATEWAY_URL', 'Token: from MOLTBOT_GATEWAY_TOKEN']],
    ['gateway probe', ['Connect: ok', 'RPC: ok']],
    ['gateway usage-cost --days 7', ['Usage cost (7 days)', 'Total: $0.50 · 15 tokens', '2026-11-23']],
    ['models list', ['Model ', 'anthropic/big', 'text+image', 'alias:best', 'fallback#1']],
    [
      'models status',
      ['Default       : anthropic/big', 'Fallbacks     : anthropic/small', 'anthropic has a key', 'Ready'],
    ],
    [
      'models usage',
      [
        'Model usage of alice (7 days)',
        'Total: $2.00 · 45 tokens',
        '2026-11-22',
        'anthropic/big',
        'no price',
      ],
    ],
    ['models usage --by model', ['anthropic/big', '$2.00', 'local/free']],
    ['models usage --by day', ['2026-11-22', '$0.50', '2026-11-23', '$1.50']],
    ['sessions', ['Session store: redis', 'agent:main:main', '2m ago', '12.0k/200.0k', 'think:low']],
    ['sessions list', ['agent:main:main']],
    ['sessions list --active 5', ['active in the last 5m']],
    ['system presence', ['web-1', 'webchat', '5s ago']],
    ['tokens list', ['abc', 'alice', 'laptop', 'never']],
    ['config get agents.defaults.maxConcurrent', ['4\n']],
    ['config file', ['/etc/moltbot/moltbot.json\n']],
    ['config validate', ['Valid: /etc/moltbot/moltbot.json']],
  ])('%s', async (line, expected) => {
    await using t = await bench(methods, ['models.usage']);
    const outcome = await t.moltbot(...line.split(' '));
    expect(outcome).toMatchObject({ code: 0, err: '' });
    for (const text of expected) expect(outcome.out).toContain(text);
  });

  test.each<[line: string, expected: unknown]>([
    ['gateway health --json', HEALTH],
    ['status --json', { sessions: { count: 3 }, gateway: { reachable: true, protocol: 4 }, health: HEALTH }],
    ['status --all --json', { models: MODELS.models, presence: [{ host: 'web-1' }] }],
    ['gateway status --json', { rpc: { ok: true, protocol: 4 } }],
    ['gateway probe --json', { ok: true, targets: [{ connect: true, rpc: true }] }],
    [
      'models list --json',
      {
        count: 2,
        models: [{ key: 'anthropic/big', tags: ['default', 'alias:best'], missing: false }, {}],
      },
    ],
    [
      'models status --json',
      { resolvedDefault: 'anthropic/big', auth: { providers: [{ hasKey: true }] }, problems: [] },
    ],
    ['models usage --json', MODEL_USAGE],
    [
      'sessions --json',
      { path: 'redis', count: 1, activeMinutes: null, sessions: [{ key: 'agent:main:main' }] },
    ],
    ['system presence --json', [{ host: 'web-1' }]],
    ['tokens list --json', { tokens: [{ id: 'abc' }] }],
    ['config get agents.defaults --json', { maxConcurrent: 4 }],
  ])('%s', async (line, expected) => {
    await using t = await bench(methods, ['models.usage']);
    const outcome = await t.moltbot(...line.split(' '));
    expect(outcome.code).toBe(0);
    expect(outcome.json()).toMatchObject(expected as object);
  });

  test('a gateway that is not well ends with 1', async () => {
    await using t = await bench({ health: () => ({ ...HEALTH, ok: false }) });
    expect(await t.moltbot('health')).toMatchObject({ code: 1, out: expect.stringContaining('NOT OK') });
  });

  test.each([
    [
      'has no key',
      { ready: false, auth: { providers: [{ provider: 'anthropic', hasKey: false }] } },
      'the provider anthropic has no key',
    ],
    ['is not offered', { ready: false, resolvedDefault: null }, 'best is not offered by any provider'],
    ['is not set', { ready: false, resolvedDefault: null, defaultModel: null }, 'no default model is set'],
  ])('models status --check ends with 1 when the model in use %s', async (_name, change, problem) => {
    await using t = await bench({ 'models.status': () => ({ ...MODEL_STATUS, ...change }) });
    expect(await t.moltbot('models', 'status', '--check')).toMatchObject({
      code: 1,
      out: expect.stringContaining(problem),
    });
    expect((await t.moltbot('models', 'status')).code).toBe(0);
  });

  test('probe tries several and is content with one', async () => {
    await using t = await bench(methods);
    const outcome = await t.moltbot('gateway', 'probe', 'ws://127.0.0.1:1', t.gateway.url);
    expect(outcome).toMatchObject({ code: 0, out: expect.stringMatching(/Connect: failed[^]*Connect: ok/) });
    expect((await t.moltbot('gateway', 'probe', 'ws://127.0.0.1:1')).code).toBe(1);
  });
});
