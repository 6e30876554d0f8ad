import { z } from 'zod';
import { inert, key } from './key.ts';
import { PositiveInt } from './scalars.ts';

const MAIN_REFUSED =
  '"main" would put every person into one session; use "per-channel-peer" or "per-peer" (a session here always belongs to one signed-in user)';

export const ResetRule = z.strictObject({
  mode: key(
    z.enum(['daily', 'idle']).optional(),
    '`daily`: a new session after `atHour`; `idle`: after `idleMinutes` without a message.',
  ),
  atHour: key(
    z.int().min(0).max(23).optional(),
    'Hour of the daily reset, in the local time of the server. Unset: 4.',
  ),
  idleMinutes: key(
    PositiveInt.optional(),
    'Minutes without a message before a new session. Unset: 60 in `idle` mode; in `daily` mode it adds a second condition.',
  ),
});
export type ResetRule = z.infer<typeof ResetRule>;

const SendPolicy = z.strictObject({
  default: key(z.enum(['allow', 'deny']).default('allow'), 'What happens to a message no rule matches.'),
  rules: key(
    z
      .array(
        z.strictObject({
          action: z.enum(['allow', 'deny']),
          match: z
            .strictObject({
              channel: z.string(),
              chatType: z.enum(['direct', 'group', 'room', 'channel']),
              keyPrefix: z.string(),
            })
            .partial()
            .optional(),
        }),
      )
      .default([]),
    'First match wins; a refused message answers `send blocked by session policy`.',
  ),
});

export const SessionConfig = z.strictObject({
  scope: key(
    z.enum(['per-sender', 'global']).default('per-sender'),
    '`global` gives each user one session for everything.',
    {
      differs: 'Upstream `global` is one session for all senders; here it is one for each user.',
    },
  ),
  dmScope: key(
    z
      .enum(['per-peer', 'per-channel-peer'], {
        error: (issue) => (issue.input === 'main' ? MAIN_REFUSED : undefined),
      })
      .default('per-channel-peer'),
    'Which of one user’s own channels share a session: `per-channel-peer` none, `per-peer` all. Users are kept apart whatever it says.',
    { differs: 'Upstream’s default `main` (one session for everybody) is refused.' },
  ),
  identityLinks: key(
    z.record(z.string(), z.array(z.string())).default({}),
    'Names a person has on several channels, as `peer` or `channel:peer`.',
    { advanced: true },
  ),
  resetTriggers: key(
    z.array(z.string().min(1)).default(['/new', '/reset']),
    'Messages that start a new session under the same key.',
  ),
  reset: key(ResetRule.optional(), 'When a session starts over by itself. Unset: daily at 4.'),
  resetByType: key(
    z.strictObject({ dm: ResetRule, group: ResetRule, thread: ResetRule }).partial().default({}),
    'Overrides `reset` field by field for one kind of chat: `dm`, `group`, `thread`.',
  ),
  resetByChannel: key(
    z.record(z.string(), ResetRule).default({}),
    'Replaces `reset` as a whole for one channel, by its name.',
  ),
  idleMinutes: key(PositiveInt.optional(), 'Older spelling of `reset: {mode: "idle", idleMinutes}`.', {
    advanced: true,
  }),
  mainKey: key(z.string().trim().min(1).toLowerCase().default('main'), 'Name of a user’s main session.', {
    advanced: true,
  }),
  sendPolicy: SendPolicy.prefault({}),
  store: inert(z.string().optional(), 'Accepted; sessions live in Redis and in the archive.'),
  typingMode: inert(z.enum(['never', 'instant', 'thinking', 'message']).optional()),
  typingIntervalSeconds: inert(PositiveInt.optional()),
  agentToAgent: inert(z.strictObject({ maxPingPongTurns: z.int().min(0).max(5).optional() }).optional()),
});
export type SessionConfig = z.infer<typeof SessionConfig>;
