import { z } from 'zod';
import { AppError } from '@moltbot/shared/errors';
import { agentList, knownAgent } from '../../domain/agents.ts';
import { imageBlocks } from '../../domain/attachments.ts';
import { readIntent } from '../../domain/message.ts';
import { mainSessionKey, resolveKey, type ResolvedKey } from '../../domain/session-key.ts';
import { agentResult } from '../../domain/agent-result.ts';
import type { EndOfRun } from '../../domain/ports.ts';
import { awaitEnd } from '../../domain/await-end.ts';
import { method, RefusedWith, type MethodContext, type Methods } from '../method.ts';
import { toWireError } from '../wire-error.ts';
import { Attachment } from './chat.ts';

const Text = z.string().min(1);
const Optional = z.string().optional();

const Agent = z.strictObject({
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
type AgentParams = z.output<typeof Agent>;

/** Names the upstream CLI sends whatever is configured; no channel is served here, so they only must not be typing errors. */
const CHANNELS = new Set([
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

export const agentMethods: Methods = {
  agent: method('operator.write', Agent, async (params, context) => await runAgent(params, context)),
  'agent.wait': method(
    'operator.write',
    z.strictObject({ runId: Text, timeoutMs: z.int().min(0).optional() }),
    async (params, context) => await waitFor(params.runId, params.timeoutMs ?? 30_000, context),
  ),
  'agent.identity.get': method(
    'operator.read',
    z.strictObject({ agentId: Optional, sessionKey: Optional }),
    ({ agentId, sessionKey }, { services }) => {
      const id =
        agentId ??
        (sessionKey === undefined
          ? services.rules().defaultAgentId
          : resolveKey(sessionKey, services.rules()).agentId);
      const identity = agentList(services.config()).find((agent) => agent.id === id)?.identity;
      return {
        agentId: id,
        name: identity?.name ?? 'Assistant',
        avatar: identity?.avatar ?? identity?.emoji ?? 'A',
      };
    },
  ),
  'agents.list': method('operator.read', z.strictObject({}), (_params, { services }) => {
    const { mainKey, scope, defaultAgentId } = services.rules();
    return { defaultId: defaultAgentId, mainKey, scope, agents: agentList(services.config()) };
  }),
};

function target(params: AgentParams, context: MethodContext): ResolvedKey {
  const rules = context.services.rules();
  const fault = (what: string): AppError => new AppError('INVALID_REQUEST', `invalid agent params: ${what}`);
  if (params.agentId !== undefined && !knownAgent(context.services.config(), params.agentId))
    throw fault(`unknown agent id "${params.agentId}"`);
  for (const channel of [params.channel, params.replyChannel])
    if (channel !== undefined && channel !== '' && !CHANNELS.has(channel.toLowerCase()))
      throw fault(`unknown channel: ${channel}`);
  const agentId = params.agentId ?? rules.defaultAgentId;
  const key = resolveKey(
    params.sessionKey ?? mainSessionKey({ ...rules, defaultAgentId: agentId }),
    rules,
    agentId,
  );
  if (
    params.agentId !== undefined &&
    params.sessionKey !== undefined &&
    key.key !== 'global' &&
    key.agentId !== params.agentId
  )
    throw fault(`agent "${params.agentId}" does not match session key agent "${key.agentId}"`);
  return params.lane === 'subagent' ? { ...key, lane: 'subagent' } : key;
}

async function runAgent(params: AgentParams, context: MethodContext): Promise<unknown> {
  const { services, principal } = context;
  const session = target(params, context);
  const runId = params.idempotencyKey;
  const intent = readIntent(params.message, services.config().session.resetTriggers);
  if (intent.kind === 'stop')
    return {
      runId,
      status: 'ok',
      runIds: await services.desk.abort(principal, session.key, undefined, 'stop'),
    };
  using end = await awaitEnd(services.hub, principal.userId, runId);
  const submitted = await services.desk.submit(principal, {
    session,
    intent,
    runId,
    channel: params.channel ?? 'webchat',
    thinking: params.thinking,
    system: params.extraSystemPrompt,
    blocks: imageBlocks(params.attachments ?? []),
    model: wantedModel(params),
    timeoutMs: params.timeout ? params.timeout * 1_000 : undefined,
  });
  if (submitted.kind === 'duplicate' && submitted.status !== 'waiting' && submitted.status !== 'running')
    return repeated(runId, submitted.status, submitted.error);
  context.respondFirst({ runId, status: 'accepted', acceptedAt: Date.now() });
  return finalAnswer(runId, submitted.sid, await end.event);
}

function wantedModel({ provider, model }: AgentParams): string | undefined {
  if (model === undefined) return undefined;
  return provider === undefined ? model : `${provider}/${model}`;
}

function repeated(runId: string, status: string, error: string): unknown {
  if (status !== 'error') return { runId, status: 'ok', summary: status === 'final' ? 'completed' : status };
  return new RefusedWith(toWireError(new AppError('UNAVAILABLE', error)), {
    runId,
    status: 'error',
    summary: error,
  });
}

function finalAnswer(runId: string, sid: string, event: EndOfRun): unknown {
  if (event.outcome !== 'error') return agentResult(runId, sid, event);
  const summary = event.error?.message ?? 'failed';
  return new RefusedWith(toWireError(new AppError('UNAVAILABLE', summary)), {
    runId,
    status: 'error',
    summary,
  });
}

async function waitFor(
  runId: string,
  timeoutMs: number,
  { services, principal }: MethodContext,
): Promise<unknown> {
  using end = await awaitEnd(services.hub, principal.userId, runId);
  const known = await services.desk.findRun(principal, runId);
  if (known && known.status !== 'waiting' && known.status !== 'running')
    return waited(
      runId,
      known.status === 'error' ? known.error : undefined,
      known.startedAtMs,
      known.endedAtMs,
    );
  const event = await end.within(timeoutMs);
  if (!event) return { runId, status: 'timeout' };
  return waited(
    runId,
    event.outcome === 'error' ? (event.error?.message ?? 'failed') : undefined,
    event.startedAt,
    event.endedAt,
  );
}

function waited(
  runId: string,
  error: string | undefined,
  startedAt: number | undefined,
  endedAt: number | undefined,
): unknown {
  return {
    runId,
    status: error === undefined ? 'ok' : 'error',
    startedAt,
    endedAt,
    ...(error !== undefined && { error }),
  };
}
