import { closeSegment, type Segment } from './segment.ts';

/** The segments this process writes, by session id. Open ones are few; of closed ones only name and size stay. */
export type OwnSegments = Readonly<{
  /** The session's segment, taken out: whoever takes it puts it back or closes it. */
  take(sid: string): Owned | undefined;
  put(sid: string, segment: Owned): void;
  /** Closes what has not been written for a while, and the least recent beyond what may be open at once. */
  closeIdle(this: void): Promise<void>;
  closeAll(this: void): Promise<void>;
}>;

export type Owned = Segment & { readonly shardFence: string; usedAtMs: number };

const OPEN_FILES = 1_024;
const KNOWN_FILES = 8_192;
const IDLE_MS = 10_000;

export function createOwnSegments(now: () => number, onCloseFailed: (error: unknown) => void): OwnSegments {
  // both with the least recently used first
  const open = new Map<string, Owned>();
  const closed = new Map<string, Owned>();

  async function close(sid: string, segment: Owned): Promise<void> {
    open.delete(sid);
    closed.set(sid, segment);
    const [oldest] = closed.keys();
    if (closed.size > KNOWN_FILES && oldest !== undefined) closed.delete(oldest);
    await closeSegment(segment).catch(onCloseFailed);
  }

  return {
    take(sid) {
      const segment = open.get(sid) ?? closed.get(sid);
      open.delete(sid);
      closed.delete(sid);
      return segment;
    },
    put(sid, segment) {
      segment.usedAtMs = now();
      (segment.handle ? open : closed).set(sid, segment);
    },
    async closeIdle() {
      for (const [sid, segment] of open) {
        if (open.size <= OPEN_FILES && segment.usedAtMs + IDLE_MS > now()) return;
        await close(sid, segment);
      }
    },
    async closeAll() {
      for (const [sid, segment] of open) await close(sid, segment);
    },
  };
}
