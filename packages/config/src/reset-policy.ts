import type { ResetRule, SessionConfig } from '@moltbot/shared/contracts';

const DEFAULT_AT_HOUR = 4;
const DEFAULT_IDLE_MINUTES = 60;

export type ResetPolicy = Readonly<{
  mode: 'daily' | 'idle';
  atHour: number;
  idleMinutes: number | undefined;
}>;

type Chat = Readonly<{ channel?: string | undefined; kind?: 'dm' | 'group' | 'thread' | undefined }>;

function complete(rule: ResetRule): ResetPolicy {
  const mode = rule.mode ?? 'daily';
  const fallback = mode === 'idle' ? DEFAULT_IDLE_MINUTES : undefined;
  return { mode, atHour: rule.atHour ?? DEFAULT_AT_HOUR, idleMinutes: rule.idleMinutes ?? fallback };
}

/** Fields that are set; an undefined one must not hide the rule below. */
function written(rule: ResetRule | undefined): ResetRule {
  return Object.fromEntries(Object.entries(rule ?? {}).filter(([, value]) => value !== undefined));
}

/** The rule for one chat: a channel's own rule stands alone, a kind's rule lies over the general one. */
export function resetPolicyFor(session: SessionConfig, chat: Chat): ResetPolicy {
  const own = new Map(Object.entries(session.resetByChannel)).get(chat.channel ?? '');
  if (own) return complete(own);
  const { reset, resetByType, idleMinutes } = session;
  const onlyLegacy = idleMinutes !== undefined && !reset && Object.keys(resetByType).length === 0;
  const kind = chat.kind === undefined ? undefined : resetByType[chat.kind];
  return complete({
    ...(onlyLegacy ? { mode: 'idle' as const } : {}),
    idleMinutes,
    ...written(reset),
    ...written(kind),
  });
}
