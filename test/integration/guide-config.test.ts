import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  applyWrite,
  getAt,
  loadConfigFile,
  loadConfigText,
  parseConfigPath,
  writeConfigFile,
} from '@moltbot/config';
import { describe, expect, test } from 'vitest';

const env = {
  CLAWDBOT_GATEWAY_TOKEN: 'your-secure-token-here-of-at-least-32-characters',
  ANTHROPIC_API_KEY: 'sk-ant-test',
};

type Snippet = Readonly<{ title: string; text: string; means: Readonly<Record<string, unknown>> }>;

/** The JSON5 blocks of the deployment guide, with what the product must read out of each. */
const SNIPPETS: readonly Snippet[] = [
  {
    title: 'gateway token',
    text: `{
      "gateway": {
        "auth": {
          "mode": "token",
          "token": "\${CLAWDBOT_GATEWAY_TOKEN}"  // 从环境变量读取
        }
      }
    }`,
    means: { 'gateway.auth': { mode: 'token', token: env.CLAWDBOT_GATEWAY_TOKEN } },
  },
  {
    title: 'session isolation',
    text: `{
      "session": {
        "dmScope": "per-channel-peer",  // 每个用户独立会话
        "reset": {
          "mode": "idle",
          "idleMinutes": 120
        }
      }
    }`,
    means: { 'session.dmScope': 'per-channel-peer', 'session.reset': { mode: 'idle', idleMinutes: 120 } },
  },
  {
    title: 'log redaction and file',
    text: `{
      "logging": {
        "redactSensitive": "tools",  // 过滤工具调用中的敏感信息
        "file": {
          "enabled": true,
          "path": "/var/log/moltbot/gateway.log"
        }
      }
    }`,
    means: {
      'logging.redactSensitive': 'tools',
      'logging.file': { enabled: true, path: '/var/log/moltbot/gateway.log' },
    },
  },
  {
    title: 'concurrency',
    text: `{
      "agents": {
        "defaults": {
          "maxConcurrent": 16,  // 根据 CPU 核心数调整
          "subagents": {
            "maxConcurrent": 32
          }
        }
      }
    }`,
    means: { 'agents.defaults.maxConcurrent': 16, 'agents.defaults.subagents.maxConcurrent': 32 },
  },
  {
    title: 'prompt cache',
    text: `{
      "agents": {
        "defaults": {
          "models": {
            "anthropic/claude-opus-4-5": {
              "params": {
                "cacheControlTtl": "1h"  // 启用缓存
              }
            }
          }
        }
      }
    }`,
    means: { 'agents.defaults.models.anthropic/claude-opus-4-5.params': { cacheControlTtl: '1h' } },
  },
  {
    title: 'budget',
    text: `{
      "models": {
        "providers": {
          "anthropic": {
            "budget": {
              "daily": 100,  // 每日限额 (美元)
              "alert": true
            }
          }
        }
      }
    }`,
    means: { 'models.providers.anthropic.budget': { daily: 100, alert: true } },
  },
  {
    title: 'the other spelling of the log file',
    text: `{ logging: { file: '/var/log/moltbot/gateway.log' } }`,
    means: { 'logging.file': { enabled: true, path: '/var/log/moltbot/gateway.log' } },
  },
  {
    title: 'users shared over their channels',
    text: `{ session: { dmScope: 'per-peer' } }`,
    means: { 'session.dmScope': 'per-peer' },
  },
];

describe('every block of the guide is read', () => {
  test.each(SNIPPETS)('$title', ({ text, means }) => {
    const snapshot = loadConfigText(text, '/etc/moltbot/moltbot.json', env);
    expect(snapshot.issues).toEqual([]);
    expect(snapshot.warnings).toEqual([]);
    for (const [path, value] of Object.entries(means)) {
      expect(getAt(snapshot.config, parseConfigPath(path))).toEqual(value);
    }
  });
});

describe('what is wrong in a block is refused, with its place', () => {
  test.each([
    ['gateway.auth.mode', `{ gateway: { auth: { mode: 'none' } } }`, /token/],
    ['gateway.auth.tokn', `{ gateway: { auth: { tokn: 'x' } } }`, /did you mean "token"\?/],
    [
      'gateway.auth.token',
      `{ gateway: { auth: { token: '\${NOT_SET}' } } }`,
      /^Missing env var "NOT_SET" referenced at/,
    ],
    ['session.dmScope', `{ session: { dmScope: 'main' } }`, /always belongs to one signed-in user/],
    ['session.dmScope', `{ session: { dmScope: 'per-channel' } }`, /per-peer/],
    ['session.reset.mode', `{ session: { reset: { mode: 'hourly' } } }`, /daily/],
    ['session.reset.idleMinutes', `{ session: { reset: { mode: 'idle', idleMinutes: 0 } } }`, />0/],
    [
      'session.reset.idleMinute',
      `{ session: { reset: { idleMinute: 120 } } }`,
      /did you mean "idleMinutes"\?/,
    ],
    ['logging.redactSensitive', `{ logging: { redactSensitive: 'all' } }`, /tools/],
    ['logging.file', `{ logging: { file: true } }`, /expected a path or {enabled, path}/],
    ['logging.file.path', `{ logging: { file: { enabled: true } } }`, /needed while the file is enabled/],
    ['logging.file.paht', `{ logging: { file: { path: '/x', paht: '/x' } } }`, /did you mean "path"\?/],
    ['agents.defaults.maxConcurrent', `{ agents: { defaults: { maxConcurrent: 0 } } }`, />0/],
    [
      'agents.defaults.maxConcurent',
      `{ agents: { defaults: { maxConcurent: 16 } } }`,
      /did you mean "maxConcurrent"\?/,
    ],
    [
      'agents.defaults.subagents.maxConcurrent',
      `{ agents: { defaults: { subagents: { maxConcurrent: '32' } } } }`,
      /number/,
    ],
    [
      'agents.defaults.models.x/y.parms',
      `{ agents: { defaults: { models: { 'x/y': { parms: {} } } } } }`,
      /"params"/,
    ],
    [
      'models.providers.anthropic.budget.daily',
      `{ models: { providers: { anthropic: { budget: { daily: -1 } } } } }`,
      />0/,
    ],
    [
      'models.providers.anthropic.budget.daily',
      `{ models: { providers: { anthropic: { budget: { alert: true } } } } }`,
      /number/,
    ],
    [
      'models.providers.anthropic.budgets',
      `{ models: { providers: { anthropic: { budgets: {} } } } }`,
      /"budget"/,
    ],
    [
      'models.providers.antropic.baseUrl',
      `{ models: { providers: { antropic: { budget: { daily: 1 } } } } }`,
      /known by name/,
    ],
  ])('%s in %s', (path, text, message) => {
    const { valid, issues } = loadConfigText(text, '/etc/moltbot/moltbot.json', env);
    expect(valid).toBe(false);
    expect(issues.filter((issue) => issue.path === path).map((issue) => issue.message)).toEqual([
      expect.stringMatching(message),
    ]);
  });

  test('a broken file names the line and the column', () => {
    expect(
      loadConfigText('{\n  "gateway": {\n    "port" 1\n', '/etc/moltbot/moltbot.json', env).issues,
    ).toEqual([
      {
        path: '',
        message: "SyntaxError: JSON5: invalid character '1' at 3:12 (/etc/moltbot/moltbot.json:3:12)",
      },
    ]);
  });
});

describe('the template of appendix A', () => {
  const template = new URL('../../enterprise-config.json5', import.meta.url).pathname;

  test('starts as it is, with the two variables of the guide', () => {
    const loaded = loadConfigFile(template, env);
    expect(loaded.issues).toEqual([]);
    expect(loaded.warnings).toEqual([]);
    for (const { text } of SNIPPETS.slice(0, 6)) {
      expect(loaded.parsed).toMatchObject(loadConfigText(text, template, env).parsed);
    }
  });

  test('names what is missing in the environment', () => {
    const messages = loadConfigFile(template, {}).issues.map(({ message }) => message);
    expect(messages).toEqual([
      'Missing env var "CLAWDBOT_GATEWAY_TOKEN" referenced at config path: gateway.auth.token',
      'Missing env var "ANTHROPIC_API_KEY" referenced at config path: models.providers.anthropic.apiKey',
    ]);
  });

  test('takes the hot update of the guide, and keeps its comments and references on disk', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'moltbot-guide-')), 'moltbot.json');
    const text = readFileSync(template, 'utf8');
    writeFileSync(path, text);

    const before = loadConfigFile(path, env);
    const raw = '{ agents: { defaults: { maxConcurrent: 24 } } }';
    const written = applyWrite({ mode: 'patch', raw, baseHash: before.hash }, before, { env });
    if (!written.ok) throw new Error(written.message);
    await writeConfigFile(path, written.raw, { baseHash: before.hash });

    expect(written.changed).toEqual(['agents.defaults.maxConcurrent']);
    expect(written.restart).toEqual([]);
    expect(readFileSync(path, 'utf8')).toBe(text.replace('maxConcurrent: 16', 'maxConcurrent: 24'));
    expect(readFileSync(`${path}.bak`, 'utf8')).toBe(text);
    expect(loadConfigFile(path, env)).toMatchObject({ valid: true, hash: written.next.hash });
  });
});
