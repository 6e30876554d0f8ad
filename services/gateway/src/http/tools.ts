import { z } from 'zod';
import { AppError } from '@moltbot/shared/errors';
import { agentList } from '../domain/agents.ts';
import type { SessionEntry } from '../domain/ports.ts';
import type { Principal } from '../domain/principal.ts';
import { mainSessionKey, resolveKey } from '../domain/session-key.ts';
import { agentOf, toRow, type Defaults } from '../domain/session-view.ts';
import { toHistory } from '../domain/transcript.ts';
import type { Services } from '../services.ts';
import { parseBody } from './body.ts';

export type ToolContext = Readonly<{ services: Services; principal: Principal; sessionKey: string }>;
export type ToolResult = Readonly<{
  details: Record<string, unknown>;
  /** Pretty JSON of the details when absent. */ text?: string;
}>;
export type Tool = (
  context: ToolContext,
  args: Readonly<Record<string, unknown>>,
) => Promise<ToolResult> | ToolResult;

const MOST_SESSIONS = 5_000;
const HISTORY_DEFAULT = 200;

const StatusArgs = z.looseObject({ sessionKey: z.string().optional(), model: z.string().optional() });
const KINDS = ['main', 'group', 'cron', 'hook', 'node', 'other'] as const;
const ListArgs = z.looseObject({
  kinds: z.array(z.enum(KINDS)).optional(),
  limit: z.int().min(1).optional(),
  activeMinutes: z.number().min(1).optional(),
});
const HistoryArgs = z.looseObject({
  sessionKey: z.string({ error: 'sessionKey required' }).min(1, 'sessionKey required'),
  limit: z.int().min(1).max(1_000).optional(),
  includeTools: z.boolean().optional(),
});

/** By the names Moltbot's agents know them by. */
export const TOOLS: Readonly<Record<string, Tool>> = {
  session_status: async ({ services, principal, sessionKey }, args) => {
    const wanted = parseBody(StatusArgs, args);
    if (wanted.model !== undefined)
      throw new AppError('INVALID_REQUEST', 'the model is changed by sessions.patch, not here');
    const { key } = resolveKey(wanted.sessionKey ?? sessionKey, services.rules());
    const entry = await services.sessions.entry(principal, key);
    if (!entry && key !== mainSessionKey(services.rules()))
      throw unknownSession(wanted.sessionKey ?? sessionKey);
    const statusText = describe(services, key, entry ?? {});
    return { details: { ok: true, sessionKey: key, changedModel: false, statusText }, text: statusText };
  },
  sessions_list: async ({ services, principal }, args) => {
    const { kinds, limit, activeMinutes } = parseBody(ListArgs, args);
    const since = activeMinutes === undefined ? 0 : Date.now() - activeMinutes * 60_000;
    const rows = (await services.sessions.list(principal, MOST_SESSIONS, since)).map((entry) =>
      listed(services, entry),
    );
    const sessions = rows.filter(({ kind }) => kinds === undefined || kinds.includes(kind)).slice(0, limit);
    return { details: { count: sessions.length, sessions } };
  },
  sessions_history: async ({ services, principal }, args) => {
    const { sessionKey, limit = HISTORY_DEFAULT, includeTools = false } = parseBody(HistoryArgs, args);
    const { sid, records } = await services.sessions.history(
      principal,
      resolveKey(sessionKey, services.rules()).key,
      limit,
    );
    if (sid === undefined) throw unknownSession(sessionKey);
    const messages = toHistory(records).messages.map(({ seq: _seq, ...message }) => message);
    const isTool = ({ content }: Record<string, unknown>): boolean =>
      (content as { type: string }[]).every(({ type }) => type === 'toolResult');
    return {
      details: {
        sessionKey,
        messages: includeTools ? messages : messages.filter((message) => !isTool(message)),
      },
    };
  },
  agents_list: ({ services, sessionKey }) => {
    const configured = services.config().agents.list.length > 0;
    const agents = agentList(services.config()).map(({ id, name }) => ({
      id,
      ...(name !== undefined && { name }),
      configured,
    }));
    return {
      details: { requester: resolveKey(sessionKey, services.rules()).agentId, allowAny: false, agents },
    };
  },
};

const unknownSession = (key: string): AppError =>
  new AppError('INVALID_REQUEST', `Unknown sessionKey: ${key}`);

function kindOf(key: string, mainKey: string): (typeof KINDS)[number] {
  if (key === mainKey) return 'main';
  const rest = key.replace(`agent:${agentOf(key)}:`, '');
  if (/(^|:)(group|channel):/.test(rest)) return 'group';
  const [prefix = ''] = rest.split(/[:-]/);
  return prefix === 'cron' || prefix === 'hook' || prefix === 'node' ? prefix : 'other';
}

function listed(
  services: Services,
  entry: SessionEntry,
): { kind: (typeof KINDS)[number] } & Record<string, unknown> {
  const row = toRow(entry, defaultsOf(services), { titles: false, previews: false });
  const {
    key,
    label,
    displayName,
    updatedAt,
    sessionId,
    model,
    contextTokens,
    totalTokens,
    systemSent,
    abortedLastRun,
    lastChannel,
    deliveryContext,
  } = row;
  const kind = kindOf(String(key), mainSessionKey(services.rules()));
  return {
    key,
    kind,
    channel: 'webchat',
    label,
    displayName,
    deliveryContext,
    updatedAt,
    sessionId,
    model,
    contextTokens,
    totalTokens,
    systemSent,
    abortedLastRun,
    lastChannel,
  };
}

function defaultsOf(services: Services): Defaults {
  const [model] = services.catalogue().choices(services.rules().defaultAgentId);
  return {
    modelProvider: model?.provider ?? '',
    model: model?.entry.id ?? '',
    contextTokens: model?.entry.contextWindow ?? 0,
  };
}

function describe(services: Services, key: string, entry: SessionEntry): string {
  const row = toRow({ ...entry, key }, defaultsOf(services), { titles: false, previews: false });
  const updatedAt = Number(row['updatedAt']);
  return [
    `Moltbot ${services.host.version}`,
    `Model: ${String(row['modelProvider'])}/${String(row['model'])}`,
    `Context: ${String(row['totalTokens'])} tokens${Number(row['contextTokens']) > 0 ? ` of ${String(row['contextTokens'])}` : ''}`,
    `Session: ${key}${updatedAt > 0 ? `, last used ${new Date(updatedAt).toISOString()}` : ', not used yet'}`,
  ].join('\n');
}
