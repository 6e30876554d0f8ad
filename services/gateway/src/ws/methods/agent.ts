import { z } from 'zod';
import { AppError } from '@moltbot/shared/errors';
import { agentList } from '../../domain/agents.ts';
import { imageBlocks } from '../../domain/attachments.ts';
import { readIntent } from '../../domain/message.ts';
import { runLimitMs, timerMs } from '../../domain/run-limit.ts';
import { resolveKey } from '../../domain/session-key.ts';
import { agentResult } from '../../domain/agent-result.ts';
import type { EndOfRun } from '../../domain/ports.ts';
import { awaitEnd } from '../../domain/await-end.ts';
import { method, RefusedWith, type MethodContext, type Methods } from '../method.ts';
import { toWireError } from '../wire-error.ts';
import { agentTarget, AgentParams } from './agent-params.ts';

const Text = z.string().min(1);
const Optional = z.string().optional();

export const agentMethods: Methods = {
  agent: method('operator.write', AgentParams, async (params, context) => await runAgent(params, context)),
  'agent.wait': method(
    'operator.write',
    z.strictObject({ runId: Text, timeoutMs: z.int().min(0).optional() }),
    async (params, context) => await waitFor(params.runId, timerMs(params.timeoutMs ?? 30_000), context),
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

async function runAgent(params: AgentParams, context: MethodContext): Promise<unknown> {
  const { services, principal } = context;
  const session = agentTarget(params, services);
  const runId = params.idempotencyKey;
  const intent = readIntent(params.message, services.config().session.resetTriggers);
  if (intent.kind === 'stop')
    return {
      runId,
      status: 'ok',
      runIds: await services.desk.abort(principal, session.key, undefined, 'stop'),
    };
  using end = await awaitEnd(services.hub, principal.userId, runId, session.key);
  const submitted = await services.desk.submit(principal, {
    session,
    intent,
    runId,
    channel: params.channel ?? 'webchat',
    thinking: params.thinking,
    system: params.extraSystemPrompt,
    blocks: imageBlocks(params.attachments ?? []),
    model: wantedModel(params),
    timeoutMs: runLimitMs(params.timeout && params.timeout * 1_000, services.config()),
  });
  if (submitted.kind === 'duplicate' && submitted.status !== 'waiting' && submitted.status !== 'running')
    return repeated(runId, submitted.status, submitted.error);
  context.respondFirst({ runId, status: 'accepted', acceptedAt: Date.now() });
  return finalAnswer(runId, submitted.sid, await context.awaitRun(end.event));
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
  { services, principal, awaitRun }: MethodContext,
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
  const event = await awaitRun(end.within(timeoutMs));
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
