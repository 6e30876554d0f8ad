import type { MoltbotConfig } from '@moltbot/shared/contracts';
import type { ResolvedKey } from './session-key.ts';

type Policy = MoltbotConfig['session']['sendPolicy'];

/** A session's own policy wins; else the first rule that matches; else the default. */
export function sendAllowed(policy: Policy, own: string | undefined, session: ResolvedKey): boolean {
  if (own === 'allow' || own === 'deny') return own === 'allow';
  const rule = policy.rules.find(({ match }) => matches(match ?? {}, session));
  return (rule?.action ?? policy.default) === 'allow';
}

function matches(match: NonNullable<Policy['rules'][number]['match']>, session: ResolvedKey): boolean {
  const chatType = session.kind === 'group' ? 'group' : 'direct';
  if (match.channel !== undefined && match.channel !== 'webchat') return false;
  if (match.chatType !== undefined && match.chatType !== chatType) return false;
  return match.keyPrefix === undefined || session.key.startsWith(match.keyPrefix.toLowerCase());
}
