import type { Request } from 'express';
import { AppError } from '@moltbot/shared/errors';
import { knownAgent } from '../domain/agents.ts';
import { resolveKey, type ResolvedKey } from '../domain/session-key.ts';
import type { Services } from '../services.ts';
import { idempotencyKey, stableId } from './request-id.ts';

export type HttpTarget = Readonly<{
  session: ResolvedKey;
  /** The session is for this request alone: neither its key nor its user was named. */
  alone: boolean;
  /** Nobody can have used the session before. */
  fresh: boolean;
  channel: string;
  model: string | undefined;
}>;

const PRODUCTS = ['moltbot', 'clawdbot', 'openclaw'] as const;

function header(request: Request, name: string): string | undefined {
  for (const product of PRODUCTS) {
    const value = request.get(`x-${product}-${name}`)?.trim();
    if (value) return value;
  }
  return undefined;
}

/**
 * Which session and which model an HTTP request means. The session: the header, else one for the
 * body's `user`, else a new one for this request alone. The agent: the header, else the model
 * field (`moltbot:<id>`, `agent:<id>`). A model of the catalogue is used, one that is not allowed is
 * refused, any other name is echoed only.
 */
export function httpTarget(
  request: Request,
  kind: 'openai' | 'openresponses' | 'anthropic',
  modelField: string,
  user: string | undefined,
  services: Services,
): HttpTarget {
  const rules = services.rules();
  const agentId = agentOf(request, modelField, services);
  const explicit = header(request, 'session-key');
  const name = user?.trim() ?? '';
  const key = idempotencyKey(request);
  const own =
    name === '' ? `agent:${agentId}:${kind}:${stableId(key)}` : `agent:${agentId}:${kind}-user:${name}`;
  const alone = explicit === undefined && name === '';
  return {
    session: resolveKey(explicit ?? own, rules, agentId),
    alone,
    fresh: alone && key === undefined,
    channel: header(request, 'message-channel') ?? 'webchat',
    model: modelOf(modelField, services),
  };
}

function agentOf(request: Request, modelField: string, services: Services): string {
  const named = header(request, 'agent-id') ?? header(request, 'agent') ?? agentOfModel(modelField);
  const agentId = named ?? services.rules().defaultAgentId;
  if (!knownAgent(services.config(), agentId))
    throw new AppError('NOT_FOUND', `unknown agent id "${agentId}"`);
  return agentId;
}

function modelOf(name: string, services: Services): string | undefined {
  const catalogue = services.catalogue();
  if (catalogue.denies(name))
    throw new AppError('INVALID_REQUEST', `model not allowed: ${name} (agents.defaults.models)`);
  return catalogue.find(name)?.ref;
}

function agentOfModel(model: string): string | undefined {
  return /^(?:moltbot|clawdbot|openclaw|agent)[:/]([a-z0-9][a-z0-9_-]{0,63})$/i.exec(model)?.[1];
}
