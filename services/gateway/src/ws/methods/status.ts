import { z } from 'zod';
import { agentList } from '../../domain/agents.ts';
import type { SessionEntry } from '../../domain/ports.ts';
import { agentOf, toRecent } from '../../domain/session-view.ts';
import { lastDays, usageCost } from '../../domain/usage-view.ts';
import { visibleLines } from '../../domain/log-lines.ts';
import type { Services } from '../../services.ts';
import { method, type MethodContext, type Methods } from '../method.ts';
import { presenceOf } from '../presence.ts';
import { defaultsOf, storePath } from './sessions.ts';

const None = z.strictObject({});
const RECENT = 10;
const HEARTBEAT = { enabled: false, every: 'disabled', everyMs: null } as const;

export const statusMethods: Methods = {
  health: method(
    'operator.read',
    z.strictObject({ probe: z.boolean().optional() }),
    async (_params, context) => {
      const payload = await healthOf(context.services, context.principal);
      context.connection.event('health', JSON.stringify(payload), {
        stateVersion: { presence: 0, health: 0 },
      });
      return payload;
    },
  ),
  status: method('operator.read', None, async (_params, { services, principal }) =>
    statusOf(services, await services.sessions.list(principal, 1_000)),
  ),
  'models.list': method('operator.read', None, (_params, { services }) => ({
    models: services.catalogue().models.map(({ entry, provider }) => ({
      id: entry.id,
      name: entry.name ?? entry.id,
      provider,
      ...(entry.contextWindow !== undefined && { contextWindow: entry.contextWindow }),
      ...(entry.reasoning !== undefined && { reasoning: entry.reasoning }),
      input: entry.input ?? ['text'],
    })),
  })),
  'models.status': method('operator.read', None, (_params, { services }) => modelsStatus(services)),
  'system-presence': method('operator.read', None, (_params, { services, fanout, principal }) =>
    presenceOf(services, fanout, principal),
  ),
  'logs.tail': method(
    'operator.read',
    z.strictObject({
      cursor: z.int().min(0).optional(),
      limit: z.int().min(1).max(5_000).optional(),
      maxBytes: z.int().min(1).max(1_000_000).optional(),
    }),
    (params, context) => {
      const { cursor, limit = 500, maxBytes = 250_000 } = params;
      const page = context.services.tailLog({ cursor, limit, maxBytes });
      return {
        ...page,
        lines: visibleLines(
          page.lines,
          context.scopes.includes('operator.admin') ? undefined : context.principal.userId,
        ),
      };
    },
  ),
  'usage.status': method('operator.read', None, () => ({ updatedAt: Date.now(), providers: [] })),
  'usage.cost': method(
    'operator.read',
    z.strictObject({ days: z.int().min(1).max(90).optional() }),
    async ({ days = 30 }, context) => {
      const wanted = lastDays(days, Date.now());
      return usageCost(
        days,
        await context.services.usage(seesAll(context) ? '*' : context.principal.userId, wanted),
        Date.now(),
      );
    },
  ),
  /** Ours: by day and model, for the caller; for everybody with `all`, admins only. */
  'models.usage': method(
    'operator.read',
    z.strictObject({ days: z.int().min(1).max(90).optional(), all: z.boolean().optional() }),
    async ({ days = 30, all }, context) => {
      const everybody = all ?? seesAll(context);
      const userId = everybody && context.scopes.includes('operator.admin') ? '*' : context.principal.userId;
      return {
        updatedAt: Date.now(),
        days,
        user: userId === '*' ? 'all' : userId,
        daily: await context.services.usage(userId, lastDays(days, Date.now())),
      };
    },
  ),
};

/** The service principal has hardly usage of its own; whoever holds it asks for the company. */
function seesAll({ principal, scopes }: MethodContext): boolean {
  return principal.kind === 'service' && scopes.includes('operator.admin');
}

export async function healthOf(
  services: Services,
  principal: MethodContext['principal'],
): Promise<Record<string, unknown>> {
  const startedAt = Date.now();
  const entries = await services.sessions.list(principal, 1_000);
  const { defaultAgentId } = services.rules();
  const agents = agentList(services.config()).map(({ id }) => ({
    agentId: id,
    isDefault: id === defaultAgentId,
    heartbeat: { ...HEARTBEAT, prompt: '', target: 'none', ackMaxChars: 0 },
    sessions: recentOf(
      services,
      entries.filter((entry) => agentOf(entry['key'] ?? '') === id),
    ),
  }));
  return {
    ok: services.lifecycle.live(),
    ts: Date.now(),
    durationMs: Date.now() - startedAt,
    channels: {},
    channelOrder: [],
    channelLabels: {},
    heartbeatSeconds: 0,
    defaultAgentId,
    agents,
    sessions: recentOf(services, entries),
  };
}

function recentOf(services: Services, entries: readonly SessionEntry[]): unknown {
  const now = Date.now();
  const recent = entries.slice(0, 5).map((entry) => ({
    key: entry['key'],
    updatedAt: Number(entry['updatedAt']),
    age: now - Number(entry['updatedAt']),
  }));
  return { path: storePath(services), count: entries.length, recent };
}

function statusOf(services: Services, entries: readonly SessionEntry[]): unknown {
  const now = Date.now();
  const path = storePath(services);
  const defaults = defaultsOf(services);
  const recent = (some: readonly SessionEntry[]): unknown =>
    some.slice(0, RECENT).map((entry) => toRecent(entry, defaults, now));
  const ids = agentList(services.config()).map(({ id }) => id);
  const byAgent = ids.map((agentId) => {
    const own = entries.filter((entry) => agentOf(entry['key'] ?? '') === agentId);
    return { agentId, path, count: own.length, recent: recent(own) };
  });
  return {
    heartbeat: {
      defaultAgentId: services.rules().defaultAgentId,
      agents: ids.map((agentId) => ({ agentId, ...HEARTBEAT })),
    },
    channelSummary: [],
    queuedSystemEvents: [],
    sessions: {
      paths: [path],
      count: entries.length,
      defaults: { model: defaults.model, contextTokens: defaults.contextTokens },
      recent: recent(entries),
      byAgent,
    },
  };
}

/** What a person asks before the first message: which model answers, and is there a key for it. */
function modelsStatus(services: Services): unknown {
  const catalogue = services.catalogue();
  const [model, ...fallbacks] = catalogue.choices(services.rules().defaultAgentId);
  const providers = [...new Set(catalogue.models.map(({ provider }) => provider))];
  const auth = providers.map((provider) => ({ provider, hasKey: catalogue.apiKey(provider) !== undefined }));
  return {
    configPath: services.store.file().path,
    defaultModel: services.config().agents.defaults.model.primary ?? null,
    resolvedDefault: model?.ref ?? null,
    fallbacks: fallbacks.map(({ ref }) => ref),
    aliases: Object.fromEntries(
      Object.entries(services.config().agents.defaults.models).flatMap(([ref, { alias }]) =>
        alias === undefined ? [] : [[alias, ref]],
      ),
    ),
    allowed: Object.keys(services.config().agents.defaults.models),
    ready: model !== undefined && catalogue.apiKey(model.provider) !== undefined,
    auth: { providers: auth },
  };
}
