import { describe, expect, test } from 'vitest';
import type { TurnContent } from '@moltbot/shared/contracts';
import type { CatalogModel } from '@moltbot/config';
import { maxTokens, modelCall, type CallSettings } from './model-call.ts';

const MODEL: CatalogModel = {
  ref: 'p/m',
  provider: 'p',
  api: 'anthropic-messages',
  baseUrl: 'http://p',
  headers: {},
  bearer: false,
  entry: { id: 'm', maxTokens: 8_000 },
  price: undefined,
  params: {},
};
const SETTINGS: CallSettings = { thinking: 'low', system: (agentId) => `I am ${agentId}.` };
const TURN: TurnContent = {
  turnId: 't',
  runId: 'r',
  sid: 's',
  uid: 'u',
  key: 'k',
  shownKey: 'k',
  agentId: 'main',
  lane: 'main',
  kind: 'chat',
  acceptedAtMs: 1,
};
const call = (turn: Partial<TurnContent>): ReturnType<typeof modelCall> =>
  modelCall({ ...TURN, ...turn }, MODEL, [], SETTINGS);

test('the company’s words come before the caller’s', () => {
  expect(call({}).system).toBe('I am main.');
  expect(call({ system: 'Be brief.' }).system).toBe('I am main.\n\nBe brief.');
});

test('what the turn says wins over what is configured', () => {
  expect(call({})).toMatchObject({ thinking: 'low', tools: [] });
  expect(call({ thinking: 'high' }).thinking).toBe('high');
});

describe('how long an answer may be', () => {
  test.each([
    ['the model’s own limit', {}, {}, undefined, 8_000],
    ['the configured length', {}, { maxTokens: 500 }, undefined, 500],
    ['what was asked for', {}, { maxTokens: 500 }, 700, 700],
    ['never more than the model can write', {}, { maxTokens: 99_000 }, 90_000, 8_000],
    ['a model of unknown limit', { maxTokens: undefined }, {}, undefined, 16_384],
  ])('%s', (_, entry, params, wanted, expected) => {
    const model = { ...MODEL, entry: { ...MODEL.entry, ...entry }, params };
    expect(maxTokens(model, wanted)).toBe(expected);
  });
});
