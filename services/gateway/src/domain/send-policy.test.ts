import { expect, test } from 'vitest';
import { MoltbotConfig } from '@moltbot/shared/contracts';
import { sendAllowed } from './send-policy.ts';
import { resolveKey } from './session-key.ts';

const DENY_GROUPS = { rules: [{ action: 'deny', match: { chatType: 'group' } }] };
const ONLY_OPS = { default: 'deny', rules: [{ action: 'allow', match: { keyPrefix: 'Agent:OPS:' } }] };
const FIRST_WINS = { rules: [{ action: 'allow', match: { channel: 'webchat' } }, { action: 'deny' }] };
const OTHER_CHANNEL = { default: 'allow', rules: [{ action: 'deny', match: { channel: 'slack' } }] };

test.each([
  ['nothing written', {}, undefined, 'main', true],
  ['a group', DENY_GROUPS, undefined, 'web:group:7', false],
  ['no group', DENY_GROUPS, undefined, 'main', true],
  ['a key with the prefix, in any case', ONLY_OPS, undefined, 'agent:ops:main', true],
  ['another key', ONLY_OPS, undefined, 'main', false],
  ['the first rule that matches', FIRST_WINS, undefined, 'main', true],
  ['a rule for another channel', OTHER_CHANNEL, undefined, 'main', true],
  ['the session’s own word', ONLY_OPS, 'allow', 'main', true],
  ['the session’s own refusal', {}, 'deny', 'main', false],
])('%s', (_, policy, own, key, allowed) => {
  const { session } = MoltbotConfig.parse({ session: { sendPolicy: policy } });
  const resolved = resolveKey(key, { mainKey: 'main', scope: 'per-sender', defaultAgentId: 'main' });
  expect(sendAllowed(session.sendPolicy, own, resolved)).toBe(allowed);
});
