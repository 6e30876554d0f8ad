import { userKeys, type Redis } from '@moltbot/shared/redis';
import type { ResponseNote } from '../domain/response-note.ts';
import type { Owner } from './session-desk.ts';

/** The notes by which every replica finds a response again. Another user's response answers like a missing one. */
export type ResponseNotes = Readonly<{
  /** The first note under an id stays, and is what comes back. */
  keep(owner: Owner, note: ResponseNote, lifetimeSeconds: number): Promise<ResponseNote>;
  find(owner: Owner, responseId: string): Promise<ResponseNote | undefined>;
  /** The request was refused: there is no run, and never will be. */
  forget(owner: Owner, responseId: string): Promise<void>;
}>;

export function createResponseNotes(redis: Redis): ResponseNotes {
  const find: ResponseNotes['find'] = async (owner, responseId) => {
    const kept = await redis.get(userKeys.response(owner.userId, responseId));
    return kept === null ? undefined : (JSON.parse(kept) as ResponseNote);
  };
  return {
    keep: async (owner, note, lifetimeSeconds) => {
      const key = userKeys.response(owner.userId, note.head.id);
      const made = (await redis.set(key, JSON.stringify(note), 'EX', lifetimeSeconds, 'NX')) !== null;
      return made ? note : ((await find(owner, note.head.id)) ?? note);
    },
    find,
    forget: async (owner, responseId) => {
      await redis.del(userKeys.response(owner.userId, responseId));
    },
  };
}
