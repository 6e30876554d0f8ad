import { z } from 'zod';
import { AppError } from '@moltbot/shared/errors';
import { knownAgent } from '../../domain/agents.ts';
import { mainSessionKey, resolveKey, type ResolvedKey } from '../../domain/session-key.ts';
import type { Services } from '../../services.ts';
import { Attachment } from './chat.ts';

const Text = z.string().min(1);
const Optional = z.string().optional();

export const AgentParams = z.strictObject({
  message: Text,
  idempotencyKey: Text,
  agentId: Text.optional(),
  sessionKey: Optional,
  sessionId: Optional,
  to: Optional,
  replyTo: Optional,
  channel: Optional,
  replyChannel: Optional,
  accountId: Optional,
  replyAccountId: Optional,
  threadId: Optional,
  groupId: Optional,
  groupChannel: Optional,
  groupSpace: Optional,
  thinking: Optional,
  deliver: z.boolean().optional(),
  attachments: z.array(Attachment).optional(),
  timeout: z.int().min(0).optional(),
  lane: Optional,
  extraSystemPrompt: Optional,
  label: Optional,
  spawnedBy: Optional,
  provider: Optional,
  model: Optional,
});
export type AgentParams = z.output<typeof AgentParams>;

/** Names the upstream CLI sends whatever is configured; no channel is served here, so they only must not be typing errors. */
const CHANNELS = new Set([
  '',
  'whatsapp',
  'telegram',
  'discord',
  'googlechat',
  'slack',
  'signal',
  'imessage',
  'webchat',
  'msteams',
  'last',
]);

/** The session an `agent` call means: the named one, else the main session of the agent. */
export function agentTarget(params: AgentParams, services: Pick<Services, 'rules' | 'config'>): ResolvedKey {
  const { agentId, sessionKey, channel = '', replyChannel = '' } = params;
  if (agentId !== undefined && !knownAgent(services.config(), agentId))
    throw fault(`unknown agent id "${agentId}"`);
  const unknown = [channel, replyChannel].find((name) => !CHANNELS.has(name.toLowerCase()));
  if (unknown !== undefined) throw fault(`unknown channel: ${unknown}`);
  const session = named(sessionKey, agentId, services);
  return params.lane === 'subagent' ? { ...session, lane: 'subagent' } : session;
}

function named(
  sessionKey: string | undefined,
  agentId: string | undefined,
  services: Pick<Services, 'rules'>,
): ResolvedKey {
  const rules = services.rules();
  const defaultAgentId = agentId ?? rules.defaultAgentId;
  if (sessionKey === undefined)
    return resolveKey(mainSessionKey({ ...rules, defaultAgentId }), rules, defaultAgentId);
  const session = resolveKey(sessionKey, rules, defaultAgentId);
  if (session.key !== 'global' && session.agentId !== defaultAgentId && agentId !== undefined)
    throw fault(`agent "${agentId}" does not match session key agent "${session.agentId}"`);
  return session;
}

const fault = (what: string): AppError => new AppError('INVALID_REQUEST', `invalid agent params: ${what}`);
