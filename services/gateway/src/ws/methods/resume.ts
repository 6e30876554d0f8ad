import { z } from 'zod';
import { readCursor, type ResumeAnswer } from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';
import { resolveKey } from '../../domain/session-key.ts';
import { method, type MethodContext, type Methods } from '../method.ts';
import { resumeFrom, turnsUnderWay } from '../replay.ts';

const Resume = z.strictObject({ sessionKey: z.string().min(1), cursor: z.string().min(1) });

export const resumeMethods: Methods = {
  'chat.resume': method('operator.read', Resume, async (params, context) => await resume(params, context)),
};

/** What a client missed that was away. The session is found by its key among the caller's own; the cursor only says where. */
async function resume(
  { sessionKey, cursor }: z.output<typeof Resume>,
  { principal, services }: MethodContext,
): Promise<ResumeAnswer> {
  const after = readCursor(cursor);
  if (!after)
    throw new AppError(
      'INVALID_REQUEST',
      'invalid chat.resume params: at /cursor: must be the cursor of a chat or agent event',
    );
  const { key } = resolveKey(sessionKey, services.rules());
  const sid = (await services.sessions.entry(principal, key))?.['sid'];
  if (sid === undefined) return { sessionKey, cursor, gap: true, frames: [], runs: [] };
  const newest = after.sid === sid ? await services.hub.newest(sid) : undefined;
  if (newest?.atRest === true && cursor === `${sid}/${newest.id}`)
    return { sessionKey, sessionId: sid, cursor, gap: false, frames: [], runs: [] };
  const stream = await services.hub.replay({ sid, key });
  for (const turnId of turnsUnderWay(stream)) services.hub.expect(principal.userId, { sid, key }, turnId);
  return { sessionKey, sessionId: sid, ...resumeFrom(stream, sid, after) };
}
