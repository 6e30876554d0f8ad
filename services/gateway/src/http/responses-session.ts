import { createHash, randomUUID } from 'node:crypto';
import type { Request } from 'express';
import type { Principal } from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';
import { resetPolicyFor } from '@moltbot/shared/runtime';
import { agentList } from '../domain/agents.ts';
import { resolveKey, type ResolvedKey } from '../domain/session-key.ts';
import { isStale } from '../domain/staleness.ts';
import type { Services } from '../services.ts';
import { idempotencyKey } from './run.ts';
import type { HttpTarget } from './target.ts';

/** The id of a response in a session of its own says which session that is; it opens nothing to anybody but its user. */
const CHAINED = /^resp_([0-9a-f]{32})_([0-9a-f]{8})$/;
const LOOK_BACK = 50;

export type ResponseSession = Readonly<{ id: string; runId: string; session: ResolvedKey; fresh: boolean }>;

/** Where a response goes, and what it is called; `previous` continues the session that gave that response. */
export async function responseSession(services: Services, principal: Principal, request: Request, target: HttpTarget, previous: string | undefined): Promise<ResponseSession> {
  const key = idempotencyKey(request);
  if (!target.fresh) {
    if (previous !== undefined) throw refused('previous_response_id: leave it out; a request with `user` or a session key continues its session by itself');
    const id = `resp_${hex(key)}`;
    return { id, runId: key ?? id, session: target.session, fresh: false };
  }
  if (previous === undefined) {
    const uuid = hex(key);
    const id = `resp_${uuid}_${uuid.slice(0, 8)}`;
    const { agentId } = target.session;
    return { id, runId: id, session: resolveKey(sessionKeyOf(agentId, uuid), services.rules(), agentId), fresh: key === undefined };
  }
  const [, uuid] = CHAINED.exec(previous) ?? [];
  const session = uuid === undefined ? undefined : await continued(services, principal, uuid, previous);
  if (uuid === undefined || !session) throw refused(`previous_response_id: Previous response with id '${previous}' not found.`);
  const id = `resp_${uuid}_${hex(key === undefined ? undefined : `${previous} ${key}`).slice(0, 8)}`;
  return { id, runId: id, session, fresh: false };
}

/** 32 hex digits: the same for the same idempotency key, so that a repeated request finds its turn; else new ones. */
function hex(key: string | undefined): string {
  return key === undefined ? randomUUID().replaceAll('-', '') : createHash('sha256').update(key).digest('hex').slice(0, 32);
}

const sessionKeyOf = (agentId: string, uuid: string): string => `agent:${agentId}:openresponses:${uuid}`;

/** The session whose latest answer `previous` is: a session is one line of talk and cannot go on from its middle. */
async function continued(services: Services, principal: Principal, uuid: string, previous: string): Promise<ResolvedKey | undefined> {
  for (const { id } of agentList(services.config())) {
    const session = resolveKey(sessionKeyOf(id, uuid), services.rules(), id);
    const { entry, records } = await services.sessions.history(principal, session.key, LOOK_BACK);
    if (!entry) continue;
    const rule = resetPolicyFor(services.config().session, { channel: 'webchat', kind: session.kind });
    if (isStale(Number(entry['updatedAt']), rule, Date.now())) throw refused('previous_response_id: that conversation has ended by the session.reset rule; send the conversation in `input`');
    const answers = records.flatMap(({ record }) => (record.type === 'assistant' && record.stopReason !== 'error' && record.stopReason !== 'aborted' ? [record.runId] : []));
    if (!answers.includes(previous)) return undefined;
    if (answers.at(-1) !== previous) throw refused('previous_response_id: that is not the latest response of its conversation, which cannot fork; send the conversation in `input`');
    return session;
  }
  return undefined;
}

const refused = (message: string): AppError => new AppError('INVALID_REQUEST', message);
