import { describe, expect, test } from 'vitest';
import { MoltbotConfig } from '@moltbot/shared/contracts';
import { resolveConfigPath } from './location.ts';
import { resolveProviders, splitModelRef } from './providers.ts';
import { resetPolicyFor } from './reset-policy.ts';
import { configKeys } from './schema-tree.ts';
import { configJsonSchema, configUiHints } from './ui-hints.ts';

describe('where the file is', () => {
  const locate = (env: Record<string, string>, ...existing: string[]): string =>
    resolveConfigPath({ HOME: '/home/u', ...env }, (path) => existing.includes(path));

  test.each([
    ['an explicit path', { CLAWDBOT_CONFIG_PATH: '/a.json', MOLTBOT_STATE_DIR: '/s' }, [], '/a.json'],
    [
      'our own name first',
      { MOLTBOT_CONFIG_PATH: '~/m.json', OPENCLAW_CONFIG_PATH: '/o.json' },
      [],
      '/home/u/m.json',
    ],
    ['a state directory', { OPENCLAW_STATE_DIR: '/s' }, ['/etc/moltbot/moltbot.json'], '/s/moltbot.json'],
    ['the older name in it', { CLAWDBOT_STATE_DIR: '/s' }, ['/s/clawdbot.json'], '/s/clawdbot.json'],
    [
      'the system',
      {},
      ['/etc/moltbot/moltbot.json', '/home/u/.moltbot/moltbot.json'],
      '/etc/moltbot/moltbot.json',
    ],
    ['the older home', {}, ['/home/u/.clawdbot/clawdbot.json'], '/home/u/.clawdbot/clawdbot.json'],
    ['the home', {}, [], '/home/u/.moltbot/moltbot.json'],
  ])('%s', (_, env, existing, path) => {
    expect(locate(env, ...existing)).toBe(path);
  });
});

describe('providers', () => {
  const resolve = (input: unknown, env: Record<string, string> = {}): ReturnType<typeof resolveProviders> =>
    resolveProviders(MoltbotConfig.parse(input), env);

  test('one that is known needs its key alone, and takes its address from the environment', () => {
    const [anthropic] = resolve(
      {},
      { ANTHROPIC_API_KEY: 'k', ANTHROPIC_BASE_URL: 'https://open.bigmodel.cn/api/anthropic/' },
    );
    expect(anthropic).toMatchObject({
      id: 'anthropic',
      apiKey: 'k',
      bearer: false,
      baseUrl: 'https://open.bigmodel.cn/api/anthropic',
    });
    expect(resolve({}, { OPENAI_API_KEY: 'k' }).map(({ id }) => id)).toEqual(['anthropic', 'openai']);
  });

  test('the file wins over the environment and the table', () => {
    const input = {
      models: {
        providers: {
          bigmodel: { apiKey: 'f', baseUrl: 'http://proxy', models: [{ id: 'glm-4.7', name: 'Ours' }] },
        },
      },
    };
    const [bigmodel] = resolve(input, { BIGMODEL_API_KEY: 'e' });
    expect(bigmodel).toMatchObject({ apiKey: 'f', baseUrl: 'http://proxy', api: 'anthropic-messages' });
    expect(bigmodel?.models.map(({ id, name }) => name ?? id)).toEqual(['Ours', 'GLM 4.6', 'GLM 4.5 Air']);
  });

  test('`replace` offers only what the file names', () => {
    const input = { models: { mode: 'replace', providers: { anthropic: { models: [{ id: 'x' }] } } } };
    const providers = resolve(input, { OPENAI_API_KEY: 'k' });
    expect(providers.map(({ id, models }) => [id, models.length])).toEqual([['anthropic', 1]]);
  });

  test.each([
    ['a/b', { provider: 'a', model: 'b' }],
    ['openrouter/meta/llama', { provider: 'openrouter', model: 'meta/llama' }],
    ['opus', undefined],
    ['/x', undefined],
    ['x/', undefined],
  ])('%s', (ref, expected) => {
    expect(splitModelRef(ref)).toEqual(expected);
  });
});

describe('reset policy', () => {
  const policy = (
    session: unknown,
    chat: Parameters<typeof resetPolicyFor>[1] = {},
  ): ReturnType<typeof resetPolicyFor> => resetPolicyFor(MoltbotConfig.parse({ session }).session, chat);

  test.each([
    ['nothing written: daily at 4', {}, {}, { mode: 'daily', atHour: 4, idleMinutes: undefined }],
    [
      'idle without minutes: 60',
      { reset: { mode: 'idle' } },
      {},
      { mode: 'idle', atHour: 4, idleMinutes: 60 },
    ],
    ['the older spelling', { idleMinutes: 9 }, {}, { mode: 'idle', atHour: 4, idleMinutes: 9 }],
    [
      'daily with a second condition',
      { reset: { atHour: 2 }, idleMinutes: 9 },
      {},
      { mode: 'daily', atHour: 2, idleMinutes: 9 },
    ],
    [
      'by kind, over the general rule',
      { reset: { mode: 'idle', idleMinutes: 5 }, resetByType: { dm: { idleMinutes: 7 } } },
      { kind: 'dm' as const },
      { mode: 'idle', atHour: 4, idleMinutes: 7 },
    ],
    [
      'by channel, alone',
      { reset: { mode: 'idle', idleMinutes: 5 }, resetByChannel: { web: { atHour: 1 } } },
      { channel: 'web' },
      { mode: 'daily', atHour: 1, idleMinutes: undefined },
    ],
    [
      'a channel named like a method',
      { reset: { atHour: 1 } },
      { channel: 'constructor' },
      { mode: 'daily', atHour: 1, idleMinutes: undefined },
    ],
  ])('%s', (_, session, chat, expected) => {
    expect(policy(session, chat)).toEqual(expected);
  });
});

describe('what a form gets', () => {
  test('draft-07, strict, without our annotations', () => {
    const schema = configJsonSchema();
    expect(schema).toMatchObject({
      $schema: 'http://json-schema.org/draft-07/schema#',
      additionalProperties: false,
    });
    expect(JSON.stringify(schema)).not.toContain('"hint"');
    expect(schema.properties?.['gateway']?.properties?.['port']).toMatchObject({
      type: 'integer',
      default: 18_789,
    });
  });

  test('every secret is marked, and every described key has its text', () => {
    const hints = configUiHints();
    expect(Object.keys(hints).filter((path) => hints[path]?.sensitive)).toEqual([
      'gateway.auth.token',
      'gateway.auth.previousToken',
      'gateway.auth.password',
      'gateway.remote.token',
      'gateway.remote.password',
      'models.providers.*.apiKey',
    ]);
    expect(hints['agents.defaults.maxConcurrent']).toMatchObject({
      label: 'Max concurrent',
      group: 'Agents',
      placeholder: '16',
    });
    expect(configKeys().filter(({ node }) => !node.description)).toEqual([]);
  });
});
