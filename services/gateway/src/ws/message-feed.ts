import type { NumberedRecord, RunEvent } from '@moltbot/shared/contracts';
import type { RunView, SessionEntry } from '../domain/ports.ts';
import { agentOf, toEntry } from '../domain/session-view.ts';
import { toHistory } from '../domain/transcript.ts';

/** The newest records of one of the user's sessions. */
export type ReadNewest = (
  key: string,
) => Promise<Readonly<{ records: readonly NumberedRecord[]; entry: SessionEntry | undefined }>>;

/**
 * `session.message` for whoever subscribed to the session (protocol 4): the user's message once
 * its turn has begun, the answer once it has ended, each as it was stored.
 */
export function createMessageFeed(
  wanted: (key: string) => boolean,
  read: ReadNewest,
  deliver: (key: string, payload: string) => void,
): (event: RunEvent, view: RunView) => void {
  const tell = async (role: 'user' | 'assistant', view: RunView): Promise<void> => {
    const { records, entry } = await read(view.key);
    const message = toHistory(records).messages.findLast(
      (stored) => stored.role === role && stored['runId'] === view.runId,
    );
    if (!message) return;
    const payload = {
      sessionKey: view.key,
      agentId: agentOf(view.key),
      message,
      messageId: `${view.runId}:${role}`,
      messageSeq: message['seq'],
      session: entry ? toEntry(entry) : null,
    };
    deliver(view.key, JSON.stringify(payload));
  };
  /** Turns that have begun: one that a failover has taken words of begins again with the same attempt. */
  const begun = new Set<string>();
  return (event, view) => {
    const isFirst = event.t === 'start' && event.attempt === 1 && !begun.has(view.turnId);
    if (event.t === 'start') begun.add(view.turnId);
    if (event.t === 'end') begun.delete(view.turnId);
    const role = isFirst ? 'user' : event.t === 'end' ? 'assistant' : undefined;
    if (role === undefined || !wanted(view.key)) return;
    tell(role, view).catch(() => undefined); // the message is in the history, where a client looks when it misses one
  };
}
