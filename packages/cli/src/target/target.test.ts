import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { emptyHome } from '../testing/command-line.ts';
import { configPath, stateDir } from './environment.ts';
import { resolveTarget } from './target.ts';

function home(files: Record<string, string> = {}): Record<string, string> {
  const directory = emptyHome();
  for (const [name, text] of Object.entries(files)) {
    const path = join(directory, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, text);
  }
  return { HOME: directory, MOLTBOT_STATE_DIR: join(directory, 'state') };
}

describe('the address', () => {
  const config = { 'state/moltbot.json': '{ gateway: { port: 20001 } } // mine' };
  const remote = {
    'state/moltbot.json':
      '{ gateway: { mode: "remote", remote: { url: "wss://r.example", token: "${R}" } } }',
  };
  test.each([
    [
      'the option first',
      { url: 'wss://a.example' },
      { MOLTBOT_GATEWAY_URL: 'ws://b.example' },
      {},
      'wss://a.example',
      '--url',
    ],
    [
      'then the variable',
      {},
      { CLAWDBOT_GATEWAY_URL: 'ws://b.example:1' },
      config,
      'ws://b.example:1',
      'CLAWDBOT_GATEWAY_URL',
    ],
    [
      'a remote gateway of the file',
      {},
      { CLAWDBOT_GATEWAY_PORT: '5' },
      remote,
      'wss://r.example',
      'gateway.remote.url',
    ],
    [
      'then the port variable',
      {},
      { CLAWDBOT_GATEWAY_PORT: '20002' },
      config,
      'ws://127.0.0.1:20002',
      'CLAWDBOT_GATEWAY_PORT',
    ],
    ['then the port of the file', {}, {}, config, 'ws://127.0.0.1:20001', 'gateway.port'],
    ['then the default', {}, {}, {}, 'ws://127.0.0.1:18789', 'default'],
    [
      'the address of the page is as good',
      { url: 'https://chat.example/x/' },
      {},
      {},
      'wss://chat.example/x',
      '--url',
    ],
    ['and so is a bare host', { url: 'chat.example:8080' }, {}, {}, 'ws://chat.example:8080', '--url'],
  ])('%s', (_name, options, env, files, url, source) => {
    const target = resolveTarget(options, { ...home(files), ...env });
    expect(target.url).toBe(url);
    expect(target.urlSource).toContain(source);
  });

  test('of another protocol is refused with what to write', () => {
    expect(() => resolveTarget({ url: 'ftp://x' }, home())).toThrow('not a gateway address: ftp://x');
  });
});

describe('the token', () => {
  const files = {
    'state/moltbot.json': '{ gateway: { auth: { token: "${SECRET}" }, remote: { token: "r" } } }',
    'state/credentials/gateway-token': 'from-file\n',
  };
  test.each([
    ['the option first', { token: 'o' }, { MOLTBOT_GATEWAY_TOKEN: 'v' }, 'o', '--token'],
    [
      'then the product variable',
      {},
      { MOLTBOT_GATEWAY_TOKEN: 'm', CLAWDBOT_GATEWAY_TOKEN: 'c' },
      'm',
      'MOLTBOT_GATEWAY_TOKEN',
    ],
    [
      'then the older names',
      {},
      { CLAWDBOT_GATEWAY_TOKEN: 'c', OPENCLAW_GATEWAY_TOKEN: 'x' },
      'c',
      'CLAWDBOT_GATEWAY_TOKEN',
    ],
    ['and the oldest', {}, { OPENCLAW_GATEWAY_TOKEN: 'x' }, 'x', 'OPENCLAW_GATEWAY_TOKEN'],
    ['then the file, with its variable', {}, { SECRET: 's' }, 's', 'gateway.auth.token'],
    ['then what the gateway left', {}, {}, 'from-file', 'credentials/gateway-token'],
  ])('%s', (_name, options, env, token, source) => {
    const target = resolveTarget(options, { ...home(files), ...env });
    expect(target.token).toBe(token);
    expect(target.tokenSource).toContain(source);
  });

  test('is empty, and says so, when there is none', () => {
    expect(resolveTarget({}, home())).toMatchObject({
      token: '',
      tokenSource: expect.stringContaining('nowhere'),
    });
  });
});

test('a checkout that has been started is its own state directory', () => {
  const directory = emptyHome();
  expect(stateDir({ HOME: '/h' }, directory)).toBe('/h/.moltbot');
  mkdirSync(join(directory, '.moltbot'));
  expect(stateDir({ HOME: '/h' }, directory)).toBe(join(directory, '.moltbot'));
  expect(stateDir({ HOME: '/h', CLAWDBOT_STATE_DIR: '~/mine' }, directory)).toBe('/h/mine');
  expect(configPath({ HOME: '/h', OPENCLAW_CONFIG_PATH: '/etc/x.json' })).toBe('/etc/x.json');
});
