import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfigFile, loadConfigText } from './load.ts';
import { redactSnapshot } from './redact-snapshot.ts';
import { applyWrite, type ConfigWrite } from './write.ts';

const env = { TOKEN: 't'.repeat(40) };
const RAW = `{
  gateway: { auth: { token: "\${TOKEN}", password: 'stored' } }, // keep me
  agents: { defaults: { maxConcurrent: 4 } }
}
`;
const snapshot = loadConfigText(RAW, '/x/moltbot.json', env);
const write = (change: Partial<ConfigWrite>, from = snapshot): ReturnType<typeof applyWrite> =>
  applyWrite({ mode: 'patch', raw: '{}', baseHash: from.hash, ...change }, from, { env });

describe('refusals, in the words clients search for', () => {
  test.each<[string, Partial<ConfigWrite>]>([
    ['config base hash required; re-run config.get and retry', { baseHash: undefined }],
    ['config changed since last load; re-run config.get and retry', { baseHash: 'other' }],
    ['config.patch raw must be an object', { raw: '[1]' }],
    ["SyntaxError: JSON5: invalid character '}' at 1:1", { raw: '}}' }],
    ['SyntaxError: JSON5: invalid end of input at 1:2', { mode: 'set', raw: '{' }],
    ['invalid config', { raw: '{gateway: {prot: 1}}' }],
    ['invalid config', { mode: 'apply', raw: '7' }],
    ['invalid config', { raw: '{gateway: {remote: {token: "__OPENCLAW_REDACTED__"}}}' }],
    ['invalid config', { raw: '{gateway: {auth: {token: "short"}}}' }],
    ['invalid config', { raw: '{gateway: {auth: {previousToken: "${UNSET}"}}}' }],
  ])('%s', (message, change) => {
    expect(write(change)).toMatchObject({ ok: false, message });
  });

  test('an invalid file is replaced, not patched', () => {
    const broken = loadConfigText('{ gatway: {} }', '/x/moltbot.json', env);
    expect(write({}, broken)).toMatchObject({ ok: false, message: 'invalid config; fix before patching' });
    expect(write({ mode: 'set', raw: '{}' }, broken)).toMatchObject({ ok: true, raw: '{}' });
  });

  test('the faults come with their paths', () => {
    expect(write({ raw: '{gateway: {port: "x"}, sesion: {}}' })).toMatchObject({
      issues: [{ path: 'gateway.port' }, { path: 'sesion' }],
    });
  });
});

describe('a patch', () => {
  test('keeps references, comments and secrets, and says what changed', () => {
    const written = write({ raw: '{agents: {defaults: {maxConcurrent: 16}}, gateway: {port: 1234}}' });
    expect(written).toMatchObject({
      ok: true,
      raw: RAW.replace('maxConcurrent: 4', 'maxConcurrent: 16').replace(
        "'stored' } }",
        "'stored' }, port: 1234 }",
      ),
      changed: ['gateway.port', 'agents.defaults.maxConcurrent'],
      restart: ['gateway.port'],
    });
  });

  test('keeps the stored secret when the sentinel is sent', () => {
    const written = write({
      raw: '{gateway: {auth: {password: "__OPENCLAW_REDACTED__", mode: "token"}}}',
    });
    expect(written.ok && written.next.config.gateway.auth).toMatchObject({
      password: 'stored',
      mode: 'token',
    });
  });

  test('needs no hash while there is no file', () => {
    const none = loadConfigFile('/nowhere/moltbot.json', env);
    const written = applyWrite({ mode: 'patch', raw: '{gateway: {port: 1}}' }, none, { env });
    expect(written).toMatchObject({ ok: true, raw: '{\n  "gateway": {\n    "port": 1\n  }\n}\n' });
  });
});

test('what config.get shows can be sent back whole', () => {
  const shown = redactSnapshot(snapshot).raw ?? '';
  const written = write({ mode: 'set', raw: shown.replace('maxConcurrent: 4', 'maxConcurrent: 5') });
  expect(written.ok && written.next.parsed).toEqual({
    gateway: { auth: { token: '${TOKEN}', password: 'stored' } },
    agents: { defaults: { maxConcurrent: 5 } },
  });
  expect(written.ok && written.raw).toContain('// keep me');
});

describe('with included files', () => {
  const root = mkdtempSync(join(tmpdir(), 'moltbot-write-'));
  writeFileSync(join(root, 'team.json'), `{ gateway: { port: 1, trustedProxies: ['10.0.0.1'] } }`);
  writeFileSync(join(root, 'moltbot.json'), `{ $include: 'team.json', session: {} }`);
  const included = loadConfigFile(join(root, 'moltbot.json'), env);

  test('a patch is written beside the include and wins', () => {
    const written = write({ raw: `{gateway: {port: 2, trustedProxies: ['10.0.0.2']}}` }, included);
    expect(written.ok && written.next.config.gateway).toMatchObject({
      port: 2,
      trustedProxies: ['10.0.0.2'],
    });
    expect(written.ok && written.raw).toContain('$include');
  });

  test('what only the included file says cannot be deleted from here', () => {
    expect(write({ raw: '{gateway: {port: null}}' }, included)).toMatchObject({
      ok: false,
      issues: [{ path: 'gateway.port', message: expect.stringContaining('team.json') as string }],
    });
  });
});
