import { describe, expect, test } from 'vitest';
import { MoltbotConfig } from '@moltbot/shared/contracts';
import { modelCatalogue, type ModelCatalogue } from './models.ts';

const ENV = { ANTHROPIC_API_KEY: 'a', OPENAI_API_KEY: 'o' };
const catalogue = (agents: unknown, env: Record<string, string> = ENV): ModelCatalogue =>
  modelCatalogue(MoltbotConfig.parse({ agents }), env);
const refs = (models: readonly { ref: string }[]): string[] => models.map(({ ref }) => ref);

describe('finding a model', () => {
  const aliased = catalogue({ defaults: { models: { 'openai/gpt-5': { alias: 'big' } } } });
  test.each([
    ['a ref', 'anthropic/claude-opus-4-5', 'anthropic/claude-opus-4-5'],
    ['an alias', 'big', 'openai/gpt-5'],
    ['an id that one provider has', 'gpt-5', 'openai/gpt-5'],
    ['nobody’s name', 'no-such', undefined],
    ['an unknown provider', 'nobody/gpt-5', undefined],
  ])('%s', (_, name, ref) => {
    expect(aliased.find(name)?.ref).toBe(ref);
  });

  test('a model the tables do not know is asked for all the same, without a price', () => {
    expect(catalogue({}).find('openai/gpt-9')).toMatchObject({
      ref: 'openai/gpt-9',
      provider: 'openai',
      entry: { id: 'gpt-9' },
    });
  });
});

describe('the models to ask', () => {
  test('the primary, then its fallbacks; an agent’s own before the defaults', () => {
    const both = catalogue({
      defaults: { model: { primary: 'anthropic/claude-opus-4-5', fallbacks: ['openai/gpt-5'] } },
      list: [{ id: 'main' }, { id: 'quick', model: 'openai/gpt-5-mini' }],
    });
    expect(refs(both.choices('main'))).toEqual(['anthropic/claude-opus-4-5', 'openai/gpt-5']);
    expect(refs(both.choices('quick'))).toEqual(['openai/gpt-5-mini']);
    expect(refs(both.choices('quick', 'gpt-4.1'))).toEqual(['openai/gpt-4.1']);
  });

  test('without a key for the configured one, any that has a key', () => {
    expect(refs(catalogue({}, { OPENAI_API_KEY: 'o' }).choices('main'))).toEqual(['openai/gpt-5']);
  });
});

describe('agents.defaults.models as the allowlist', () => {
  const strict = catalogue(
    {
      defaults: {
        model: { primary: 'anthropic/claude-opus-4-5', fallbacks: ['anthropic/claude-haiku-4-5'] },
        models: { 'openai/gpt-5': {}, 'openai/gpt-next': {} },
      },
      list: [{ id: 'main' }, { id: 'quick', model: 'openai/gpt-5-mini' }],
    },
    { ...ENV, MOLTBOT_DEMO_MODEL_URL: 'http://demo' },
  );

  test('names no model: everything known may be chosen', () => {
    const open = catalogue({});
    expect(open.models.length).toBeGreaterThan(3);
    expect(open.denies('openai/gpt-4.1')).toBe(false);
  });

  test('offers what it names, and what the file itself relies on', () => {
    expect(refs(strict.models)).toEqual([
      'openai/gpt-5',
      'openai/gpt-next',
      'anthropic/claude-opus-4-5',
      'anthropic/claude-haiku-4-5',
      'openai/gpt-5-mini',
      'demo/demo',
    ]);
  });

  test.each(['openai/gpt-4.1', 'gpt-4.1', 'anthropic/claude-sonnet-4-5', 'openai/gpt-9'])(
    '%s is denied, however it is spelled',
    (name) => {
      expect(strict.denies(name)).toBe(true);
      expect(strict.find(name)).toBeUndefined();
      expect(strict.choices('main', name)).toEqual([]);
    },
  );

  test('what nobody knows is unknown, not denied', () => {
    expect(strict.denies('gpt-4o')).toBe(false);
    expect(strict.find('gpt-4o')).toBeUndefined();
  });

  test('a key is sought among the allowed alone', () => {
    const keyless = catalogue({ defaults: { models: { 'openai/gpt-4.1': {} } } }, { OPENAI_API_KEY: 'o' });
    expect(refs(keyless.choices('main'))).toEqual(['openai/gpt-4.1']);
  });
});

test('what is cached for an hour costs twice the input, for five minutes the listed price', () => {
  const priced = (cacheControlTtl: string) =>
    modelCatalogue(
      MoltbotConfig.parse({
        agents: { defaults: { models: { 'anthropic/claude-opus-4-5': { params: { cacheControlTtl } } } } },
      }),
      {},
    ).find('anthropic/claude-opus-4-5')?.price;
  expect(priced('5m')?.cacheWrite).toBe(6.25);
  expect(priced('1h')?.cacheWrite).toBe(10);
});

test('a subagent asks its own model, an agent its own, everybody else the default', () => {
  const { choices } = catalogue({
    defaults: { model: 'anthropic/claude-opus-4-5', subagents: { model: 'openai/gpt-5' } },
    list: [{ id: 'main' }, { id: 'small', model: 'anthropic/claude-haiku-4-5' }],
  });
  expect(refs(choices('main'))).toEqual(['anthropic/claude-opus-4-5']);
  expect(refs(choices('small'))).toEqual(['anthropic/claude-haiku-4-5']);
  expect(refs(choices('small', undefined, 'subagent'))).toEqual(['openai/gpt-5']);
});
