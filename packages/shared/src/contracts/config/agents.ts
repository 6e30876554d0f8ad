import { z } from 'zod';
import { inert, key } from './key.ts';
import { ModelChoice, PositiveInt, Unread, unread } from './scalars.ts';

const AgentModel = z.strictObject({
  alias: key(z.string().optional(), 'Short name people may use instead of `provider/model`.'),
  params: key(
    z.record(z.string(), z.unknown()).default({}),
    'Passed to the provider. `cacheControlTtl: "5m" | "1h"` turns on Anthropic’s prompt cache; `temperature`, `maxTokens` and others go through.',
    { placeholder: '{ cacheControlTtl: "1h" }' },
  ),
  streaming: Unread,
  compat: Unread,
});

const Subagents = z.strictObject({
  maxConcurrent: key(
    PositiveInt.optional(),
    'Company-wide cap on running subagent turns. Unset: the sum of the workers’ subagent slots.',
    {
      differs: 'Upstream: 8, in one process.',
    },
  ),
  model: key(ModelChoice.optional(), 'Model of subagents. Unset: the agent’s own.'),
  archiveAfterMinutes: inert(PositiveInt.optional()),
});

/** Keys upstream has for channels, sandboxes and local tools; strictness stays, so a typing error is still found. */
const unreadDefaults = unread([
  'repoRoot',
  'skipBootstrap',
  'bootstrapMaxChars',
  'userTimezone',
  'timeFormat',
  'envelopeTimezone',
  'envelopeTimestamp',
  'envelopeElapsed',
  'cliBackends',
  'memorySearch',
  'contextPruning',
  'compaction',
  'elevatedDefault',
  'blockStreamingDefault',
  'blockStreamingBreak',
  'blockStreamingChunk',
  'blockStreamingCoalesce',
  'humanDelay',
  'mediaMaxMb',
  'typingIntervalSeconds',
  'typingMode',
  'sandbox',
  'workspace',
  'imageModel',
  'heartbeat',
]);

export const AgentDefaults = z.strictObject({
  model: key(
    ModelChoice.prefault('anthropic/claude-opus-4-5'),
    'Model of every agent, as `provider/model` or `{primary, fallbacks}`. A fallback is tried when the provider before it fails before the first word.',
  ),
  models: key(
    z.record(z.string(), AgentModel).default({}),
    'Models people may choose, with their parameters. While it names any, the list is also the allowlist.',
  ),
  maxConcurrent: key(
    PositiveInt.optional(),
    'Company-wide cap on running turns, applied live across all replicas. Unset: the sum of the workers’ slots.',
    { placeholder: '16', differs: 'Upstream: 4, in one process, and a change restarts the gateway.' },
  ),
  subagents: Subagents.prefault({}),
  timeoutSeconds: key(
    PositiveInt.default(600),
    'A turn that runs longer ends as aborted with reason `timeout`.',
  ),
  contextTokens: key(
    PositiveInt.optional(),
    'Upper bound of the context sent to the model. Unset: the model’s context window.',
  ),
  thinkingDefault: key(
    z.enum(['off', 'minimal', 'low', 'medium', 'high', 'xhigh']).optional(),
    'Thinking level of a new session.',
  ),
  verboseDefault: key(
    z.enum(['off', 'on', 'full']).default('off'),
    'Verbose level of a new session; `on` and `full` also send tool events.',
  ),
  ...unreadDefaults,
});

const Identity = z.strictObject({
  name: z.string().optional(),
  theme: z.string().optional(),
  emoji: z.string().optional(),
  avatar: z.string().optional(),
});

/** As session keys have it, so that `Team A` and `team-a` are one agent. */
const AgentId = z
  .string()
  .transform((text) =>
    text
      .trim()
      .toLowerCase()
      .replace(/[^a-z0-9_-]+/g, '-'),
  )
  .pipe(
    z
      .string()
      .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'must start with a letter or digit, at most 64 characters'),
  );

export const AgentEntry = z.strictObject({
  id: key(AgentId, 'Name in session keys; written in lower case, other characters become `-`.'),
  default: key(z.boolean().optional(), 'The agent of keys that name none. Unset on all: the first.'),
  name: key(z.string().optional(), 'Shown to people.'),
  model: key(ModelChoice.optional(), 'Overrides `agents.defaults.model`.'),
  identity: key(Identity.optional(), 'Name, emoji and avatar shown in clients.'),
  ...unread([
    'workspace',
    'agentDir',
    'tools',
    'sandbox',
    'subagents',
    'heartbeat',
    'groupChat',
    'humanDelay',
    'memorySearch',
    'skills',
  ]),
});
export type AgentEntry = z.infer<typeof AgentEntry>;

export const AgentsConfig = z
  .strictObject({
    defaults: AgentDefaults.prefault({}),
    list: key(z.array(AgentEntry).default([]), 'Agents beside the defaults. Empty: one agent, `main`.'),
  })
  .superRefine((agents, context) => {
    agents.list.forEach((agent, index) => {
      if (agents.list.findIndex((other) => other.id === agent.id) === index) return;
      context.addIssue({
        code: 'custom',
        path: ['list', index, 'id'],
        message: `agent "${agent.id}" is listed twice`,
      });
    });
  });
export type AgentsConfig = z.infer<typeof AgentsConfig>;
