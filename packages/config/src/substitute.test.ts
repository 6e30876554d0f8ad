import fc from 'fast-check';
import { expect, test } from 'vitest';
import { environmentOf, substitute } from './substitute.ts';

const name = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,8}$/);
const value = fc.string({ minLength: 1 }).filter((text) => text.trim() !== '');

test('every reference becomes its value, wherever it stands', () => {
  fc.assert(
    fc.property(fc.dictionary(name, value, { minKeys: 1 }), fc.string(), (env, around) => {
      fc.pre(!around.includes('$') && !around.includes('{'));
      const names = Object.keys(env);
      const template = names.map((key) => `${around}\${${key}}`).join('');
      const { tree, issues } = substitute({ a: [{ b: template }] }, env);
      expect(tree).toEqual({ a: [{ b: names.map((key) => around + (env[key] ?? '')).join('') }] });
      expect(issues).toEqual([]);
    }),
  );
});

test('an escaped reference stays literal, whatever the environment holds', () => {
  fc.assert(
    fc.property(name, value, (key, text) => {
      expect(substitute({ a: `x$\${${key}}y` }, { [key]: text })).toEqual({
        tree: { a: `x\${${key}}y` },
        issues: [],
      });
    }),
  );
});

test('a value is not substituted again', () => {
  expect(substitute({ a: '${A}' }, { A: '${B}', B: 'secret' }).tree).toEqual({ a: '${B}' });
});

test('names in lower case are text', () => {
  expect(substitute({ a: '${home}', b: 3 }, {})).toEqual({ tree: { a: '${home}', b: 3 }, issues: [] });
});

test('unset and empty variables are all reported, with their paths', () => {
  const { issues } = substitute({ gateway: { auth: { token: '${ONE}' } }, list: ['${TWO}'] }, { ONE: '' });
  expect(issues).toEqual([
    {
      path: 'gateway.auth.token',
      message: 'Missing env var "ONE" referenced at config path: gateway.auth.token',
    },
    { path: 'list.0', message: 'Missing env var "TWO" referenced at config path: list.0' },
  ]);
});

test('`only` leaves every other reference alone, and needs no variable for it', () => {
  const tree = {
    gateway: { port: '${PORT}' },
    models: { providers: { a: { apiKey: '${KEY}', baseUrl: '${URL}' } } },
  };
  const { tree: substituted, issues } = substitute(
    tree,
    { PORT: '1', URL: 'u' },
    { only: ['gateway', 'models.providers.*.baseUrl'] },
  );
  expect(issues).toEqual([]);
  expect(substituted).toEqual({
    gateway: { port: '1' },
    models: { providers: { a: { apiKey: '${KEY}', baseUrl: 'u' } } },
  });
});

test("the file's own env section fills in what the process does not set", () => {
  const env = environmentOf(
    { env: { A: 'file', B: 'file', vars: { C: 'file' }, shellEnv: { enabled: true } } },
    { A: 'process', B: '' },
  );
  expect(env).toEqual({ A: 'process', B: 'file', C: 'file' });
});
