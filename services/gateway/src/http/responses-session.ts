import type { Request } from 'express';
import type { SessionRecord } from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';
import { resetPolicyFor } from '@moltbot/config';
import { agentList } from '../domain/agents.ts';
import type { Principal } from '../domain/principal.ts';
import { resolveKey, type ResolvedKey } from '../domain/session-key.ts';
import { isStale } from '../domain/staleness.ts';
import type { Services } from '../services.ts';
import { idempotencyKey, stableId } from './request-id.ts';
import type { HttpTarget } from './target.ts';

/** The id of a response in a session of its own says which session that is; it opens nothing to anybody but its user. */
const CHAINED = /^resp_([0-9a-f]{32})_([0-9a-f]{8})$/;
const LOOK_BACK = 50;

export type ResponseSession = Readonly<{ id: string; runId: string; session: ResolvedKey; fresh: boolean }>;

/** Where a response goes, and what it is called; `previous` continues the session that gave that response. */
export async function responseSession(
  services: Services,
  principal: Principal,
  request: Request,
  target: HttpTarget,
  previous: string | undefined,
): Promise<ResponseSession> {
  const key = idempotencyKey(request);
  if (!target.alone) {
    if (previous !== undefined)
      throw refused('leave it out; a request with `user` or a session key continues its session by itself');
    const id = `resp_${stableId(key === undefined ? undefined : `${target.session.key} ${key}`)}`;
    return { id, runId: key ?? id, session: target.session, fresh: false };
  }
  if (previous === undefined) {
    const uuid = stableId(key);
    const id = `resp_${uuid}_${uuid.slice(0, 8)}`;
    const { agentId } = target.session;
    return {
      id,
      runId: id,
      session: resolveKey(sessionKeyOf(agentId, uuid), services.rules(), agentId),
      fresh: key === undefined,
    };
  }
  const [, uuid] = CHAINED.exec(previous) ?? [];
  if (uuid === undefined) throw notFound(previous);
  const id = `resp_${uuid}_${stableId(key === undefined ? undefined : `${previous} ${key}`).slice(0, 8)}`;
  return {
    id,
    runId: id,
    session: await continued(services, principal, uuid, { previous, id }),
    fresh: false,
  };
}

const sessionKeyOf = (agentId: string, uuid: string): string => `agent:${agentId}:openresponses:${uuid}`;

/** The session whose latest answer `previous` is: a session is one line of talk and cannot go on from its middle. */
async function continued(
  services: Services,
  principal: Principal,
  uuid: string,
  { previous, id }: Readonly<{ previous: string; id: string }>,
): Promise<ResolvedKey> {
  for (const agent of agentList(services.config())) {
    const session = resolveKey(sessionKeyOf(agent.id, uuid), services.rules(), agent.id);
    const { entry, records } = await services.sessions.history(principal, session.key, LOOK_BACK);
    if (!entry) continue;
    const rule = resetPolicyFor(services.config().session, { channel: 'webchat', kind: session.kind });
    if (isStale(Number(entry['updatedAt']), rule, Date.now()))
      throw refused(
        'that conversation has ended by the session.reset rule; send the conversation in `input`',
      );
    const answers = records.flatMap(({ record }) => (isAnswer(record) ? [record.runId] : []));
    if (!answers.includes(previous)) break;
    const repeated = answers.includes(id);
    if (!repeated && answers.at(-1) !== previous)
      throw refused(
        'that is not the latest response of its conversation, which cannot fork; send the conversation in `input`',
      );
    return session;
  }
  throw notFound(previous);
}

type Answered = Extract<SessionRecord, { type: 'assistant' }>;
const isAnswer = (record: SessionRecord): record is Answered =>
  record.type === 'assistant' && record.stopReason !== 'error' && record.stopReason !== 'aborted';

const refused = (why: string): AppError => new AppError('INVALID_REQUEST', `previous_response_id: ${why}`);
const notFound = (id: string): AppError => refused(`Previous response with id '${id}' not found.`);
