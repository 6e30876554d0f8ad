import { expect, test } from 'vitest';
import { MoltbotConfig } from './index.ts';

test('an empty file has every default a service reads', () => {
  const config = MoltbotConfig.parse({});
  expect(config.gateway).toMatchObject({ port: 18_789, mode: 'local', auth: {}, trustedProxies: [] });
  expect(config.gateway.http.endpoints).toMatchObject({
    chatCompletions: { enabled: true },
    responses: { enabled: true },
  });
  expect(config.session).toMatchObject({
    dmScope: 'per-channel-peer',
    scope: 'per-sender',
    resetTriggers: ['/new', '/reset'],
  });
  expect(config.agents.defaults.maxConcurrent).toBeUndefined();
  expect(config.agents.defaults.model).toEqual({ primary: 'anthropic/claude-opus-4-5', fallbacks: [] });
});

test('what was defaulted is itself a valid file, with the same meaning', () => {
  const config = MoltbotConfig.parse({
    logging: { file: '/var/log/moltbot/gateway.log' },
    agents: { defaults: { model: 'openai/gpt-5', subagents: { model: 'openai/gpt-5-mini' } } },
  });
  expect(config.logging.file).toEqual({ enabled: true, path: '/var/log/moltbot/gateway.log' });
  expect(MoltbotConfig.parse(JSON.parse(JSON.stringify(config)))).toEqual(config);
});

test('sections of upstream that nothing here reads are accepted, unknown ones are not', () => {
  const upstream = {
    channels: { slack: { botToken: 'x' } },
    hooks: { enabled: true },
    bindings: [{ agentId: 'main' }],
    plugins: {},
  };
  expect(MoltbotConfig.safeParse(upstream).success).toBe(true);
  expect(MoltbotConfig.safeParse({ chanels: {} }).success).toBe(false);
});

test('an agent is listed once', () => {
  const { error } = MoltbotConfig.safeParse({ agents: { list: [{ id: 'a' }, { id: 'b' }, { id: 'a' }] } });
  expect(error?.issues).toMatchObject([
    { path: ['agents', 'list', 2, 'id'], message: 'agent "a" is listed twice' },
  ]);
});
