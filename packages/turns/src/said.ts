import type { RunEvent } from '@moltbot/shared/contracts';
import { sessionKeys, type Redis } from '@moltbot/shared/redis';
import type { Run } from './run.ts';
import { decodeEvents } from './events.ts';

/** What a turn has said before this attempt: the text of the last attempt that said any, and whether one has thought. */
export type Said = Readonly<{ text: string; thought: boolean }>;

export const NOTHING_SAID: Said = { text: '', thought: false };

/** A long answer is read in pieces, so that Redis stays free for others. */
const PAGE = 500;

/** Reads what the attempts before this one have said; to be asked before it says anything itself. */
export async function readSaid(redis: Redis, run: Run): Promise<Said> {
  const firstFence = begunUnder(run);
  if (firstFence === Number(run.fence)) return NOTHING_SAID;
  let [from, present, said] = [`${firstFence}-0`, '', NOTHING_SAID];
  for (;;) {
    const entries = await redis.xrange(sessionKeys.events(run.ref.sid), from, '+', 'COUNT', PAGE);
    for (const { e } of decodeEvents(run.ref, entries)) {
      if (!('tid' in e) || e.tid !== run.content.turnId) continue;
      present = grown(present, e);
      said = { text: present === '' ? said.text : present, thought: said.thought || e.t === 'thinking' };
    }
    const last = entries.at(-1);
    if (last === undefined || entries.length < PAGE) return said;
    from = `(${last[0]}`;
  }
}

/**
 * The fence of the turn's first begin, which wrote the user's record. The number of the attempt does not
 * tell: one that was handed over does not count.
 */
function begunUnder({ fence, content, records }: Run): number {
  const own = records.findLast(({ record }) => record.type === 'user' && record.turnId === content.turnId);
  return own?.fence ?? Number(fence);
}

function grown(text: string, event: RunEvent): string {
  if (event.t === 'start') return '';
  return event.t === 'delta' ? text + event.text : text;
}
