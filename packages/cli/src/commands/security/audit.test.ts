import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Refusal, startScriptedGateway } from '@moltbot/client/testing';
import { describe, expect, test } from 'vitest';
import { emptyHome, moltbot } from '../../testing/command-line.ts';
import { checkConfig } from './config-checks.ts';
import { checkTokens } from './token-checks.ts';

const STRONG = 'f3a9c1d7e5b24860a1c3e5f7092b4d6e';
const ids = (findings: readonly { checkId: string }[]): string[] => findings.map(({ checkId }) => checkId);

test.each([
  ['the defaults', {}, ['session.dm_scope']],
  [
    'insecure sign-in',
    { gateway: { controlUi: { allowInsecureAuth: true } } },
    ['gateway.control_ui.insecure_auth', 'session.dm_scope'],
  ],
  ['an open address without TLS', { gateway: { bind: 'lan' } }, ['gateway.bind_no_tls', 'session.dm_scope']],
  [
    'an open address behind a proxy',
    { gateway: { bind: 'lan', trustedProxies: ['10.0.0.1'] } },
    ['session.dm_scope'],
  ],
  ['an open address with TLS', { gateway: { bind: 'lan', tls: { enabled: true } } }, ['session.dm_scope']],
  [
    'everybody a proxy',
    { gateway: { trustedProxies: ['0.0.0.0/0'] } },
    ['gateway.trusted_proxies_everybody', 'session.dm_scope'],
  ],
  ['redaction off', { logging: { redactSensitive: 'off' } }, ['logging.redact_off', 'session.dm_scope']],
  ['one session for all', { session: { dmScope: 'main' } }, ['session.dm_scope_main']],
  ['a password', { gateway: { auth: { mode: 'password' } } }, ['session.dm_scope', 'gateway.password_mode']],
])('configuration: %s', (_name, config, expected) => {
  expect(ids(checkConfig(config))).toEqual(expected);
});

test('tokens: endless, idle and mighty ones are named', () => {
  const nowMs = 1_000 * 86_400_000;
  const fresh = {
    id: 'a',
    userId: 'alice',
    role: 'member',
    createdAtMs: nowMs,
    expiresAtMs: nowMs + 1,
    lastUsedAtMs: nowMs,
  };
  expect(checkTokens([fresh], nowMs)).toEqual([]);
  const findings = checkTokens(
    [
      { ...fresh, expiresAtMs: null },
      { ...fresh, id: 'b', lastUsedAtMs: 1 },
      { ...fresh, id: 'c', role: 'admin' },
    ],
    nowMs,
  );
  expect(findings).toMatchObject([
    { checkId: 'tokens.no_expiry', detail: '1: a (alice).' },
    { checkId: 'tokens.unused', detail: '1: b (alice).' },
    { checkId: 'tokens.admins' },
  ]);
});

/** A state directory as an installation leaves it, with one file open to everybody. */
function installation(): string {
  const home = emptyHome();
  const directory = (path: string, mode: number): void => {
    mkdirSync(join(home, path), { recursive: true });
    chmodSync(join(home, path), mode);
  };
  const file = (path: string, mode: number, text = ''): void => {
    writeFileSync(join(home, path), text);
    chmodSync(join(home, path), mode);
  };
  directory('state', 0o700);
  directory('state/sessions', 0o700);
  directory('state/sessions/alice', 0o755);
  file('state/sessions/alice/1.jsonl', 0o644);
  file('state/moltbot.json', 0o640, '{ gateway: { auth: { token: "${CLAWDBOT_GATEWAY_TOKEN}" } } }');
  return home;
}

const mode = (home: string, path: string): string => (statSync(join(home, path)).mode & 0o777).toString(8);

describe('security audit', () => {
  const methods = {
    'config.get': () => ({ config: {}, warnings: [] }),
    'tokens.list': () => ({ tokens: [] }),
  };

  test('prints a summary, findings and how to repair, and ends with 0 unless told otherwise', async () => {
    await using gateway = await startScriptedGateway({ methods });
    const shell = {
      home: installation(),
      env: { MOLTBOT_GATEWAY_URL: gateway.url, CLAWDBOT_GATEWAY_TOKEN: STRONG },
    };
    const outcome = await moltbot(['security', 'audit'], shell);
    expect(outcome).toMatchObject({
      code: 0,
      out: expect.stringContaining('Summary: 2 critical · 0 warn · 1 info'),
    });
    expect(outcome.out).toMatch(
      /fs\.session_archive\.perms .*\n.*1\.jsonl.* has mode 644\.\n {2}Fix: chmod 600 /,
    );
    expect((await moltbot(['security', 'audit', '--fail-on', 'critical'], shell)).code).toBe(1);
  });

  test('--fix closes the files, and then there is nothing critical left', async () => {
    await using gateway = await startScriptedGateway({ methods });
    const home = installation();
    const shell = { home, env: { MOLTBOT_GATEWAY_URL: gateway.url, CLAWDBOT_GATEWAY_TOKEN: STRONG } };
    expect((await moltbot(['security', 'audit', '--fix', '--fail-on', 'critical'], shell)).code).toBe(0);
    expect(mode(home, 'state/sessions/alice')).toBe('700');
    expect(mode(home, 'state/sessions/alice/1.jsonl')).toBe('600');
  });

  test.each([
    ['a short token', 'short', 'gateway.token_too_short'],
    ['the token of the guide', 'your-secure-token-here', 'gateway.token_placeholder'],
    ['one letter many times', 'a'.repeat(64), 'gateway.token_placeholder'],
  ])('finds %s', async (_name, token, checkId) => {
    await using gateway = await startScriptedGateway({ methods });
    const outcome = await moltbot(['security', 'audit', '--json', '--url', gateway.url, '--token', token]);
    expect(outcome.json()).toMatchObject({
      summary: expect.anything(),
      findings: expect.arrayContaining([expect.objectContaining({ checkId })]),
    });
  });

  test('finds a secret that stands in the file', async () => {
    const home = installation();
    writeFileSync(join(home, 'state/moltbot.json'), `{ gateway: { auth: { token: "${STRONG}" } } }`);
    const outcome = await moltbot(['security', 'audit', '--json', '--url', 'ws://127.0.0.1:1'], { home });
    expect(ids((outcome.json() as { findings: { checkId: string }[] }).findings)).toEqual(
      expect.arrayContaining(['config.secrets_in_file', 'gateway.probe_failed']),
    );
  });

  test('--deep says when a wrong token is taken', async () => {
    await using open = await startScriptedGateway({ methods });
    const shell = { env: { MOLTBOT_GATEWAY_URL: open.url, MOLTBOT_GATEWAY_TOKEN: STRONG } };
    expect((await moltbot(['security', 'audit', '--deep', '--json'], shell)).json()).toMatchObject({
      summary: { critical: 1 },
      findings: [{ checkId: 'gateway.open_door' }, {}],
      deep: { gateway: { attempted: true, ok: true } },
    });
    await using closed = await startScriptedGateway({
      methods,
      authorize: (connect) => {
        if (!JSON.stringify(connect).includes(STRONG))
          throw new Refusal({ code: 'INVALID_REQUEST', message: 'unauthorized: gateway token mismatch' });
      },
    });
    const outcome = await moltbot(['security', 'audit', '--deep', '--json'], {
      env: { ...shell.env, MOLTBOT_GATEWAY_URL: closed.url },
    });
    expect(outcome.json()).toMatchObject({ summary: { critical: 0 } });
  });
});

describe('doctor', () => {
  test('finds what keeps a gateway from starting, and repairs modes', async () => {
    const home = installation();
    writeFileSync(
      join(home, 'state/moltbot.json'),
      '{ gateway: { prot: 1, auth: { token: "${NOT_SET}" } } }',
    );
    const outcome = await moltbot(['doctor', '--fix', '--non-interactive', '--url', 'ws://127.0.0.1:1'], {
      home,
    });
    expect(outcome.code).toBe(1);
    for (const text of [
      'ECONNREFUSED',
      'prot',
      'NOT_SET, which is not set here',
      'has mode 644: now 600',
      'Doctor complete: 2 problems left.',
    ]) {
      expect(outcome.out).toContain(text);
    }
    expect(mode(home, 'state/sessions/alice/1.jsonl')).toBe('600');
  });

  test('a variable in the environment file counts as set', async () => {
    const home = installation();
    writeFileSync(join(home, 'state/environment'), `export CLAWDBOT_GATEWAY_TOKEN="${STRONG}"\n`, {
      mode: 0o600,
    });
    const outcome = await moltbot(['doctor', '--json', '--url', 'ws://127.0.0.1:1'], { home });
    expect(outcome.out).not.toContain('CLAWDBOT_GATEWAY_TOKEN, which');
  });

  test('is content with a gateway that is well', async () => {
    const config = { path: '/etc/moltbot/moltbot.json', valid: true, issues: [] };
    await using gateway = await startScriptedGateway({
      methods: { health: () => ({ ok: true }), 'config.get': () => config },
    });
    const outcome = await moltbot(['doctor', '--url', gateway.url, '--token', STRONG]);
    expect(outcome).toMatchObject({ code: 0, out: expect.stringContaining('Doctor complete.\n') });
  });
});
