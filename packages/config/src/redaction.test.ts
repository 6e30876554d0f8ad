import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadConfigText } from './load.ts';
import { parseJson5 } from './parse.ts';
import { redactRaw, restoreRaw } from './redact-raw.ts';
import { redactSnapshot } from './redact-snapshot.ts';
import { REDACTED, redactTree, restoreRedacted } from './redaction.ts';

const names = fc.constantFrom(
  'token',
  'apiKey',
  'password',
  'headers',
  'authorization',
  'id',
  'name',
  'port',
  'tokens',
  'b',
);
const { node } = fc.letrec<{ node: unknown }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small' },
    fc.string(),
    fc.integer(),
    fc.constant('${A_TOKEN}'),
    fc.constant(REDACTED),
    fc.array(tie('node'), { maxLength: 4 }),
    fc.dictionary(names, tie('node'), { maxKeys: 5 }),
  ),
}));
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;

describe('round trips', () => {
  test('restoring what was redacted gives the stored tree, for any tree', () => {
    fc.assert(
      fc.property(node, fc.boolean(), (tree, keepReferences) => {
        const restored = restoreRedacted(redactTree(tree, { keepReferences }), tree);
        expect(plain(restored.tree)).toEqual(plain(tree));
        expect(restored.issues).toEqual([]);
      }),
    );
  });

  test('restoring a redacted text gives a text with the same meaning', () => {
    fc.assert(
      fc.property(fc.dictionary(names, node), (tree) => {
        const raw = JSON.stringify(tree, null, 2);
        const restored = restoreRaw(redactRaw(raw), tree);
        expect(plain(parseJson5(restored.raw))).toEqual(plain(tree));
        expect(restored.issues).toEqual([]);
      }),
    );
  });

  test('no secret text survives, in the tree or in the raw text', () => {
    const secret = fc.stringMatching(/^[a-z0-9]{12,24}$/);
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('token', 'apiKey', 'password', 'clientSecret'), secret, { minKeys: 1 }),
        (secrets) => {
          const tree = { models: { providers: { x: secrets } } };
          const shown =
            JSON.stringify(redactTree(tree, { keepReferences: true })) + redactRaw(JSON.stringify(tree));
          for (const value of Object.values(secrets)) expect(shown).not.toContain(value);
        },
      ),
    );
  });
});

test('references stay readable in what people wrote, and are hidden once substituted', () => {
  const raw = `{ gateway: { auth: { token: "\${T}", previousToken: "pre-\${T}" } } } // token: "old one"`;
  const shown = redactSnapshot(loadConfigText(raw, '/x/moltbot.json', { T: 'a-very-secret-value' }));
  expect(shown.parsed).toEqual({ gateway: { auth: { token: '${T}', previousToken: REDACTED } } });
  expect(shown.raw).toBe(
    `{ gateway: { auth: { token: "\${T}", previousToken: "${REDACTED}" } } } // token: "${REDACTED}"`,
  );
  expect(shown.config.gateway.auth).toEqual({ token: REDACTED, previousToken: REDACTED });
  expect(JSON.stringify(shown)).not.toContain('a-very-secret-value');
});

test('a secret repeated or assigned in a comment is hidden there too', () => {
  const raw = `{ /* was hunter2hunter2 */ hooks: { token: 'hunter2hunter2' }, // MY_TOKEN=abc about tokens\n}`;
  expect(redactRaw(raw)).toBe(
    `{ /* was ${REDACTED} */ hooks: { token: "${REDACTED}" }, // MY_TOKEN=${REDACTED} about tokens\n}`,
  );
});

test('naming a secret variable in another key does not show its value', () => {
  const raw = `{ agents: { defaults: { model: '\${DB_PASSWORD}' }, list: [{ id: 'a', name: '\${COMPANY}: \${API_KEY}' }] } }`;
  const env = { DB_PASSWORD: 'p4ss', API_KEY: 'k3y', COMPANY: 'Acme' };
  const shown = redactSnapshot(loadConfigText(raw, '/x', env)).config;
  expect(shown.agents.defaults.model.primary).toBe(REDACTED);
  expect(shown.agents.list[0]?.name).toBe(REDACTED);
});

test('a text that is not JSON5 is shown without its secrets', () => {
  const raw = `{ "apiKey": "sk-1234", 'password' : 'p', port: 1 `;
  expect(redactRaw(raw)).toBe(`{ "apiKey": "${REDACTED}", 'password' : '${REDACTED}', port: 1 `);
});

test.each([
  [['models', 'providers', 'x', 'headers', 'X-Api-Key'], 'abc', true],
  [['models', 'providers', 'x', 'headers', 'anthropic-beta'], 'abc', false],
  [['models', 'providers', 'x', 'baseUrl'], 'https://user:pass@host/', true],
  [['channels', 'slack', 'tokens', '0'], 'abc', true],
  [['hooks', 'token'], 'abc', true],
  [['gateway', 'tls', 'keyPath'], '/etc/key.pem', false],
  [['agents', 'defaults', 'contextTokens'], 'abc', false],
])('%j with %s: secret is %s', (path, text, secret) => {
  const shown = path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), text);
  expect(JSON.stringify(redactTree(shown, { keepReferences: true })).includes(REDACTED)).toBe(secret);
});

describe('a sentinel never becomes another value', () => {
  test('without a stored value it is refused', () => {
    expect(restoreRedacted({ gateway: { auth: { token: REDACTED } } }, {}).issues).toEqual([
      expect.objectContaining({ path: 'gateway.auth.token' }),
    ]);
  });

  test('it follows its item by id when the list moved', () => {
    const stored = [
      { id: 'a', apiKey: '1' },
      { id: 'b', apiKey: '2' },
    ];
    expect(restoreRedacted([{ id: 'b', apiKey: REDACTED }], stored)).toEqual({
      tree: [{ id: 'b', apiKey: '2' }],
      issues: [],
    });
  });

  test('it is refused when the item it belongs to cannot be told', () => {
    expect(restoreRedacted([{ apiKey: REDACTED }], [{ apiKey: '1' }, { apiKey: '2' }]).issues).toHaveLength(
      1,
    );
  });
});
