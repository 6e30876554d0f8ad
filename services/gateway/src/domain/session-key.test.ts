import { describe, expect, test } from 'vitest';
import { mainSessionKey, resolveKey, type KeyRules } from './session-key.ts';

const RULES: KeyRules = { mainKey: 'main', scope: 'per-sender', defaultAgentId: 'main' };
const HOME: KeyRules = { mainKey: 'home', scope: 'per-sender', defaultAgentId: 'ops' };
const GLOBAL: KeyRules = { ...RULES, scope: 'global' };

describe('one session has one key', () => {
  test.each([
    ['main', RULES, 'agent:main:main'],
    ['', RULES, 'agent:main:main'],
    ['  MAIN ', RULES, 'agent:main:main'],
    ['agent:main:main', RULES, 'agent:main:main'],
    ['agent:Team A:Notes', RULES, 'agent:team-a:notes'],
    ['agent::x', RULES, 'agent:main:x'],
    ['agent:--:x', RULES, 'agent:main:x'],
    ['foo', RULES, 'agent:main:foo'],
    ['agent:lonely', RULES, 'agent:main:agent:lonely'],
    ['main', HOME, 'agent:ops:home'],
    ['home', HOME, 'agent:ops:home'],
    ['agent:ops:main', HOME, 'agent:ops:home'],
    ['global', RULES, 'global'],
    ['anything', GLOBAL, 'global'],
  ])('%j', (spelled, rules, key) => {
    expect(resolveKey(spelled, rules).key).toBe(key);
  });

  test('a bare key belongs to the agent that was named, a full one to its own', () => {
    expect(resolveKey('foo', RULES, 'ops')).toMatchObject({ key: 'agent:ops:foo', agentId: 'ops' });
    expect(resolveKey('agent:main:foo', RULES, 'ops')).toMatchObject({ agentId: 'main' });
  });

  test('the client hears its own spelling, or the key when it spelled none', () => {
    expect(resolveKey(' Agent:Main:Foo ', RULES).shownKey).toBe('Agent:Main:Foo');
    expect(resolveKey(' ', RULES).shownKey).toBe('agent:main:main');
  });

  test('the main session is where an empty key leads', () => {
    for (const rules of [RULES, HOME, GLOBAL])
      expect(mainSessionKey(rules)).toBe(resolveKey('main', rules).key);
  });
});

test.each([
  ['agent:main:web:group:7', { kind: 'group', lane: 'main' }],
  ['agent:main:web:channel:7', { kind: 'group', lane: 'main' }],
  ['agent:main:web:group:7:thread:1', { kind: 'thread', lane: 'main' }],
  ['agent:main:subagent:9', { kind: 'dm', lane: 'subagent' }],
  ['notes', { kind: 'dm', lane: 'main' }],
])('%s says what kind of session it is', (spelled, expected) => {
  expect(resolveKey(spelled, RULES)).toMatchObject(expected);
});

test.each([
  ['unknown', 'session key "unknown" is reserved'],
  ['x'.repeat(513), 'session key is longer than 512 characters'],
  ['a\u0000b', 'session key holds control characters'],
  ['a\nb', 'session key holds control characters'],
])('%j is refused', (spelled, message) => {
  expect(() => resolveKey(spelled, RULES)).toThrow(message);
});
