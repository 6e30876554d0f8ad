import { expect, test } from 'vitest';
import { describeModel } from './use-models.ts';

const MODELS = [
  { id: 'claude-sonnet', name: 'Claude Sonnet', provider: 'anthropic' },
  { id: 'demo-1', name: 'Demo', provider: 'demo' },
];

test.each([
  [{ provider: 'anthropic', id: 'claude-sonnet' }, 'Claude Sonnet', false],
  [{ provider: undefined, id: 'demo/demo-1' }, 'Demo', true],
  [{ provider: 'demo', id: 'demo/demo-1' }, 'Demo', true],
  [{ provider: 'demo', id: 'unlisted' }, 'unlisted', true],
  [{ provider: 'anthropic', id: 'demo-1' }, 'demo-1', false],
])('%o is shown as %s', (ref, name, isDemo) => {
  expect(describeModel(ref, MODELS)).toEqual({ name, isDemo });
});

test('a session without a model has the only one there is, else none is named', () => {
  const none = { provider: undefined, id: undefined };
  expect(describeModel(none, MODELS.slice(1))).toEqual({ name: 'Demo', isDemo: true });
  expect(describeModel(none, MODELS)).toBeUndefined();
});
