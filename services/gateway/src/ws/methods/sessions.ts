import { z } from 'zod';
import { AppError } from '@moltbot/shared/errors';
import type { SessionEntry } from '../../domain/ports.ts';
import { mainSessionKey, resolveKey } from '../../domain/session-key.ts';
import { readPatch, SessionPatch } from '../../domain/session-patch.ts';
import { toEntry, toRow, type Defaults } from '../../domain/session-view.ts';
import { textOf, toMessage } from '../../domain/transcript.ts';
import type { Services } from '../../services.ts';
import { method, type MethodContext, type Methods } from '../method.ts';

const Text = z.string().min(1);
const Key = z.strictObject({ key: Text });

const List = z.strictObject({
  limit: z.int().min(1).optional(),
  activeMinutes: z.int().min(1).optional(),
  includeGlobal: z.boolean().optional(),
  includeUnknown: z.boolean().optional(),
  includeDerivedTitles: z.boolean().optional(),
  includeLastMessage: z.boolean().optional(),
  label: z.string().optional(),
  spawnedBy: z.string().optional(),
  agentId: z.string().optional(),
  search: z.string().optional(),
  offset: z.int().min(0).optional(),
});

const Resolve = z.strictObject({
  key: Text.optional(),
  sessionId: Text.optional(),
  label: Text.optional(),
  agentId: Text.optional(),
  spawnedBy: Text.optional(),
  includeGlobal: z.boolean().optional(),
  includeUnknown: z.boolean().optional(),
});

const MOST_SESSIONS = 5_000;
const MOST_SUBSCRIPTIONS = 500;
const PREVIEW = { limit: 12, maxChars: 240 } as const;

export const sessionMethods: Methods = {
  'sessions.list': method('operator.read', List, async (params, context) => await list(params, context)),
  'sessions.preview': method(
    'operator.read',
    z.strictObject({
      keys: z.array(Text).min(1),
      limit: z.int().min(1).optional(),
      maxChars: z.int().min(20).optional(),
    }),
    async (params, context) => {
      const { limit = PREVIEW.limit, maxChars = PREVIEW.maxChars } = params;
      const previews = await Promise.all(
        params.keys.slice(0, 64).map(async (key) => await preview(key, limit, maxChars, context)),
      );
      return { ts: Date.now(), previews };
    },
  ),
  'sessions.resolve': method('operator.read', Resolve, async (params, context) => ({
    ok: true,
    key: await resolve(params, context),
  })),
  'sessions.patch': method('operator.write', SessionPatch, async (params, { services, principal }) => {
    const session = resolveKey(params.key, services.rules());
    const { patch, model } = readPatch(params);
    if (typeof model === 'string') patch['modelOverride'] = allowedModel(services, model);
    if (patch['label'])
      refuseTakenLabel(session.key, patch['label'], await services.sessions.list(principal, MOST_SESSIONS));
    return {
      ok: true,
      path: storePath(services),
      key: session.key,
      entry: toEntry(await services.sessions.patch(principal, session, patch)),
    };
  }),
  'sessions.reset': method(
    'operator.write',
    z.strictObject({ key: Text, reason: z.enum(['new', 'reset']).optional() }),
    async ({ key }, { services, principal }) => {
      const session = resolveKey(key, services.rules());
      return {
        ok: true,
        key: session.key,
        entry: toEntry(await services.sessions.reset(principal, session)),
      };
    },
  ),
  'sessions.delete': method(
    'operator.write',
    z.strictObject({ key: Text, deleteTranscript: z.boolean().optional() }),
    async ({ key }, { services, principal }) => {
      const session = resolveKey(key, services.rules());
      if (session.key === mainSessionKey(services.rules()))
        throw new AppError('INVALID_REQUEST', `Cannot delete the main session (${session.key}).`);
      await services.desk.abort(principal, session.key, undefined, 'rpc');
      const entry = await services.sessions.entry(principal, session.key);
      const deleted = await services.sessions.remove(principal, session.key);
      const archived = deleted
        ? [`${entry?.['sid'] ?? ''}.deleted.${new Date().toISOString().replaceAll(':', '-')}`]
        : [];
      return { ok: true, key: session.key, deleted, archived };
    },
  ),
  // the log is never cut here: old turns leave the model's context by a summary, and stay readable
  'sessions.compact': method(
    'operator.write',
    z.strictObject({ key: Text, maxLines: z.int().min(1).optional() }),
    async ({ key, maxLines = 400 }, { services, principal }) => {
      const session = resolveKey(key, services.rules());
      const { records } = await services.sessions.history(principal, session.key, maxLines);
      return { ok: true, key: session.key, compacted: false, kept: records.length };
    },
  ),
  'sessions.describe': method(
    'operator.read',
    z.strictObject({ key: Text, agentId: z.string().optional() }),
    async ({ key }, { services, principal }) => {
      const session = resolveKey(key, services.rules());
      const entry = await services.sessions.entry(principal, session.key);
      if (!entry) return { session: null, exists: false };
      const row = {
        ...toRow(entry, defaultsOf(services), { titles: true, previews: true }),
        agentId: session.agentId,
        status: 'idle',
      };
      return { session: row, exists: true, status: 'idle' };
    },
  ),
  'sessions.messages.subscribe': method(
    'operator.read',
    z.strictObject({ key: Text, agentId: z.string().optional() }),
    ({ key: spelled }, { services, connection }) => {
      const { key } = resolveKey(spelled, services.rules());
      if (connection.subscriptions.size >= MOST_SUBSCRIPTIONS && !connection.subscriptions.has(key))
        throw new AppError(
          'INVALID_REQUEST',
          `too many subscriptions: a connection may follow ${MOST_SUBSCRIPTIONS} sessions`,
        );
      connection.subscriptions.add(key);
      return { subscribed: true, key };
    },
  ),
  'sessions.messages.unsubscribe': method(
    'operator.read',
    z.strictObject({ key: Text, agentId: z.string().optional() }),
    ({ key: spelled }, { services, connection }) => {
      const { key } = resolveKey(spelled, services.rules());
      connection.subscriptions.delete(key);
      return { subscribed: false, key };
    },
  ),
  'sessions.get': method('operator.read', Key, async ({ key }, { services, principal }) => {
    const entry = await services.sessions.entry(principal, resolveKey(key, services.rules()).key);
    return { session: entry ? toRow(entry, defaultsOf(services), { titles: true, previews: true }) : null };
  }),
};

export function defaultsOf(services: Services): Defaults {
  const [model] = services.catalogue().choices(services.rules().defaultAgentId);
  return {
    modelProvider: model?.provider ?? '',
    model: model?.entry.id ?? '',
    contextTokens: model?.entry.contextWindow ?? 0,
  };
}

/** Upstream shows a file here; ours are in Redis and in the archive. */
export const storePath = (services: Services): string => `${services.host.stateDir}/sessions`;

async function list(params: z.output<typeof List>, { services, principal }: MethodContext): Promise<unknown> {
  const since = params.activeMinutes === undefined ? 0 : Date.now() - params.activeMinutes * 60_000;
  const entries = (await services.sessions.list(principal, MOST_SESSIONS, since)).filter((entry) =>
    listed(entry, params),
  );
  const { offset = 0, limit = entries.length } = params;
  const page = entries.slice(offset, offset + limit);
  const extras = {
    titles: params.includeDerivedTitles === true,
    previews: params.includeLastMessage === true,
  };
  const defaults = defaultsOf(services);
  const hasMore = offset + page.length < entries.length;
  return {
    ts: Date.now(),
    path: storePath(services),
    count: page.length,
    totalCount: entries.length,
    hasMore,
    ...(hasMore && { nextOffset: offset + page.length }),
    defaults,
    sessions: page.map((entry) => toRow(entry, defaults, extras)),
  };
}

function listed(entry: SessionEntry, params: z.output<typeof List>): boolean {
  const key = entry['key'] ?? '';
  if (params.includeGlobal === false && key === 'global') return false;
  if (params.label !== undefined && entry['label'] !== params.label) return false;
  if (params.spawnedBy !== undefined && entry['spawnedBy'] !== params.spawnedBy) return false;
  if (params.agentId !== undefined && !key.startsWith(`agent:${params.agentId.toLowerCase()}:`)) return false;
  const sought = params.search?.trim().toLowerCase() ?? '';
  const text = [key, entry['label'], entry['title'], entry['preview'], entry['sid']].join('\n').toLowerCase();
  return text.includes(sought);
}

async function preview(
  spelled: string,
  limit: number,
  maxChars: number,
  { services, principal }: MethodContext,
): Promise<unknown> {
  const { key } = resolveKey(spelled, services.rules());
  const { sid, records } = await services.sessions.history(principal, key, limit);
  if (sid === undefined) return { key: spelled, status: 'missing', items: [] };
  const items = records.flatMap(({ record }) => {
    const message = toMessage(record);
    return message ? [{ role: message.role, text: textOf(message.content).slice(0, maxChars) }] : [];
  });
  return { key: spelled, status: items.length === 0 ? 'empty' : 'ok', items };
}

async function resolve(
  params: z.output<typeof Resolve>,
  { services, principal }: MethodContext,
): Promise<string> {
  const sought = params.key ?? params.sessionId ?? params.label;
  if (sought === undefined)
    throw new AppError('INVALID_REQUEST', 'Either key, sessionId or label is required');
  if (params.key !== undefined) {
    const { key } = resolveKey(params.key, services.rules());
    if (await services.sessions.entry(principal, key)) return key;
  }
  const entries = await services.sessions.list(principal, MOST_SESSIONS);
  const found = entries.find(
    (entry) =>
      (params.sessionId !== undefined && entry['sid'] === params.sessionId) ||
      (params.label !== undefined && entry['label'] === params.label),
  );
  if (params.key !== undefined || !found)
    throw new AppError('INVALID_REQUEST', `No session found: ${sought}`);
  return found['key'] ?? '';
}

function allowedModel(services: Services, name: string): string {
  const model = services.catalogue().find(name);
  if (!model) throw new AppError('INVALID_REQUEST', `model not allowed: ${name}`);
  return model.ref;
}

function refuseTakenLabel(key: string, label: string, entries: readonly SessionEntry[]): void {
  if (entries.some((entry) => entry['label'] === label && entry['key'] !== key))
    throw new AppError('INVALID_REQUEST', `label already in use: ${label}`);
}
