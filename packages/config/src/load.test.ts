import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfigFile, loadConfigText, requireValidConfig, snapshotFromTree } from './load.ts';

function directory(files: Record<string, string>): (name: string) => string {
  const root = mkdtempSync(join(tmpdir(), 'moltbot-config-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return (name) => join(root, name);
}

const issuesOf = (files: Record<string, string>): string[] => {
  const at = directory(files);
  return loadConfigFile(at('moltbot.json'), {}).issues.map(({ path, message }) =>
    `${path}: ${message}`.replaceAll(at(''), '<dir>'),
  );
};

describe('$include', () => {
  test('merges files in order, lists concatenate, keys beside it win', () => {
    const at = directory({
      'moltbot.json': `{ $include: ['./a.json', 'parts/b.json5'], session: { scope: 'global' }, gateway: { port: 1 } }`,
      'a.json': `{ gateway: { port: 2, trustedProxies: ['10.0.0.1'] }, session: { mainKey: 'a' } }`,
      'parts/b.json5': `{ $include: 'c.json', gateway: { trustedProxies: ['10.0.0.2'] } }`,
      'parts/c.json': `{ logging: { level: 'debug' } }`,
    });
    const loaded = loadConfigFile(at('moltbot.json'), {});
    expect(loaded.issues).toEqual([]);
    expect(loaded.parsed).toEqual({
      gateway: { port: 1, trustedProxies: ['10.0.0.1', '10.0.0.2'] },
      session: { mainKey: 'a', scope: 'global' },
      logging: { level: 'debug' },
    });
    expect(loaded.files).toEqual([at('a.json'), at('parts/b.json5'), at('parts/c.json')]);
  });

  test('refuses cycles, files outside the directory, links that lead outside, and what it cannot read', () => {
    expect(
      issuesOf({ 'moltbot.json': `{ $include: 'a.json' }`, 'a.json': `{ $include: 'moltbot.json' }` }),
    ).toEqual([': $include goes in a circle: <dir>/moltbot.json -> <dir>/a.json -> <dir>/moltbot.json']);
    expect(issuesOf({ 'moltbot.json': `{ $include: '../../etc/passwd' }` })[0]).toMatch(
      /^: \$include outside /,
    );
    expect(issuesOf({ 'moltbot.json': `{ $include: '/etc/passwd' }` })[0]).toMatch(/^: \$include outside /);
    expect(issuesOf({ 'moltbot.json': `{ $include: 'no.json' }` })).toEqual([
      ': cannot read $include <dir>/no.json: ENOENT',
    ]);
    expect(issuesOf({ 'moltbot.json': `{ $include: [] }` })[0]).toMatch(/must be a file name/);

    const at = directory({ 'moltbot.json': `{ $include: 'link.json' }` });
    symlinkSync(directory({ 'x.json': '{}' })('x.json'), at('link.json'));
    expect(loadConfigFile(at('moltbot.json'), {}).issues[0]?.message).toMatch(/leads outside/);
  });

  test('goes ten levels deep and no deeper', () => {
    const chain = (levels: number): Record<string, string> => ({
      'moltbot.json': `{ $include: '1.json' }`,
      ...Object.fromEntries(
        Array.from({ length: levels }, (_, i) => [
          `${i + 1}.json`,
          i + 1 < levels ? `{ $include: '${i + 2}.json' }` : '{}',
        ]),
      ),
    });
    expect(issuesOf(chain(10))).toEqual([]);
    expect(issuesOf(chain(11))[0]).toMatch(/nested deeper than 10/);
  });

  test('names the included file that is not JSON5', () => {
    expect(issuesOf({ 'moltbot.json': `{ $include: 'a.json' }`, 'a.json': '{\n  a: }' })).toEqual([
      ": SyntaxError: JSON5: invalid character '}' at 2:6 (<dir>/a.json:2:6)",
    ]);
  });
});

describe('a snapshot', () => {
  test('of a missing file is empty and valid', () => {
    const snapshot = loadConfigFile('/nowhere/moltbot.json', {});
    expect(snapshot).toMatchObject({ exists: false, raw: null, parsed: {}, valid: true, issues: [] });
    expect(snapshot.config.gateway.port).toBe(18_789);
  });

  test('of a directory says why it cannot be read', () => {
    expect(loadConfigFile(tmpdir(), {})).toMatchObject({
      exists: true,
      valid: false,
      issues: [{ message: `cannot read ${tmpdir()}: EISDIR` }],
    });
  });

  test('reports every fault of every kind at once', () => {
    const { issues, valid } = loadConfigText(
      `{ gateway: { prot: 1, auth: { token: '\${T}' } }, session: { reset: { atHour: 24 } } }`,
      '/x',
      {},
    );
    expect(valid).toBe(false);
    expect(issues.map(({ path }) => path).toSorted()).toEqual([
      'gateway.auth.token',
      'gateway.prot',
      'session.reset.atHour',
    ]);
  });

  test('of the tree alone equals the one of the file', () => {
    const raw = `{ gateway: { port: 1234, auth: { token: '\${T}' } } }`;
    const env = { T: 't'.repeat(32) };
    const { files, ...fromText } = loadConfigText(raw, '/x', env);
    expect(files).toEqual([]);
    expect(snapshotFromTree(fromText.parsed, env, { path: '/x', raw })).toEqual(fromText);
  });

  test('without the variables of keys it does not read is valid', () => {
    const raw = `{ models: { providers: { anthropic: { apiKey: '\${ANTHROPIC_API_KEY}', baseUrl: '\${URL}' } } } }`;
    expect(loadConfigText(raw, '/x', {}, { only: ['gateway'] }).issues).toEqual([]);
    expect(loadConfigText(raw, '/x', {}).issues).toHaveLength(2);
  });

  test('warns about keys without effect, and names keys that moved', () => {
    const { warnings, legacyIssues } = loadConfigText(
      `{ gateway: { token: 'x' }, channels: { slack: {} }, agents: { list: [{ id: 'a', tools: {} }] } }`,
      '/x',
      {},
    );
    expect(warnings.map(({ path }) => path)).toEqual(['channels', 'agents.list.0.tools']);
    expect(legacyIssues).toEqual([{ path: 'gateway.token', message: 'moved to gateway.auth.token' }]);
  });

  test.each([
    [`token: 'short'`, ['gateway.auth.token']],
    [`token: '${'t'.repeat(32)}', previousToken: 'old'`, ['gateway.auth.previousToken']],
    [`token: '\${SHORT}'`, ['gateway.auth.token']],
    [`token: '\${LONG}', password: 'not in use'`, []],
    [`mode: 'password', password: 'in use'`, ['gateway.auth.password']],
  ])('whose gateway.auth has { %s } would let nobody in, and is refused', (auth, faults) => {
    const env = { SHORT: 's', LONG: 'l'.repeat(32) };
    const { valid, issues } = loadConfigText(`{ gateway: { auth: { ${auth} } } }`, '/x', env);
    expect(issues.map(({ path }) => path)).toEqual(faults);
    expect(valid).toBe(faults.length === 0);
    for (const { message } of issues)
      expect(message).toMatch(/^has \d+ characters; at least 32 are required/);
  });

  test('whose token is not substituted here is left to the service that does', () => {
    const raw = `{ gateway: { auth: { token: '\${T}' } } }`;
    expect(loadConfigText(raw, '/x', { T: 's' }, { only: ['models'] }).issues).toEqual([]);
  });

  test('that is invalid throws with all faults when a service must start from it', () => {
    expect(() => requireValidConfig(loadConfigText(`{ gatway: {}, sesion: {} }`, '/x', {}))).toThrow(
      /invalid config \/x:\n {2}- gatway: .*did you mean "gateway"\?\n {2}- sesion: .*"session"\?/,
    );
  });
});
