import type { ResetRule, SessionConfig } from '../../contracts/index.ts';

const DEFAULT_AT_HOUR = 4;
const DEFAULT_IDLE_MINUTES = 60;

export type ResetPolicy = Readonly<{ mode: 'daily' | 'idle'; atHour: number; idleMinutes: number | undefined }>;

/** The rule for one chat: a channel's own rule stands alone, a kind's rule lies over the general one. */
export function resetPolicyFor(session: SessionConfig, chat: { channel?: string; kind?: 'dm' | 'group' | 'thread' }): ResetPolicy {
  const own = chat.channel === undefined ? undefined : session.resetByChannel[chat.channel];
  const rules: readonly (ResetRule | undefined)[] = own ? [own] : [chat.kind && session.resetByType[chat.kind], session.reset];
  const pick = <K extends keyof ResetRule>(field: K): ResetRule[K] => rules.find((rule) => rule?.[field] !== undefined)?.[field];

  const legacy = own ? undefined : session.idleMinutes;
  const idle = pick('idleMinutes') ?? legacy;
  const written = session.reset !== undefined || own !== undefined || Object.keys(session.resetByType).length > 0;
  const mode = pick('mode') ?? (!written && legacy !== undefined ? 'idle' : 'daily');
  return { mode, atHour: pick('atHour') ?? DEFAULT_AT_HOUR, idleMinutes: idle ?? (mode === 'idle' ? DEFAULT_IDLE_MINUTES : undefined) };
}
