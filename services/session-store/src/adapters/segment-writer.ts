import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { NumberedRecord } from '@moltbot/shared/contracts';
import { headLine, recordLine, type SessionHead } from '../domain/transcript.ts';
import { createDirectories, syncDirectory } from './directories.ts';
import type { Gate } from './gate.ts';
import { sealLine } from './line.ts';
import { createOwnSegments, type Owned, type OwnSegments } from './own-segments.ts';
import { sessionDir } from './paths.ts';
import { appendDurably, closeSegment, createSegment, reopenSegment } from './segment.ts';

export type SegmentWriter = AsyncDisposable &
  Readonly<{
    /**
     * Resolves when the records are in the file, safely; rejects when nothing of them counts. They may
     * be called archived after the next `settle`. One call a session at a time.
     */
    append(head: SessionHead, shardFence: string, records: readonly NumberedRecord[]): Promise<void>;
    /** Makes the directories durable that earlier appends have made. */
    settle(): Promise<void>;
    /** Takes a deleted session's directory out of the way; false when there was none. */
    putAside(head: SessionHead, atMs: number): Promise<boolean>;
    /** To be called between appends, never beside them. */
    closeIdle(): Promise<void>;
  }>;

export type WriterOptions = Readonly<{
  root: string;
  gate: Gate;
  now(this: void): number;
  onSync(seconds: number): void;
  onCloseFailed(this: void, error: unknown): void;
}>;

export function createSegmentWriter(options: WriterOptions): SegmentWriter {
  const { root, gate, now } = options;
  const own = createOwnSegments(now, options.onCloseFailed);
  const directories = createDirectories();

  async function segmentFor(dir: string, sid: string, shardFence: string): Promise<Owned> {
    const last = own.take(sid);
    if (last?.shardFence === shardFence && (await reopenSegment(last))) return last;
    if (last) await closeSegment(last).catch(options.onCloseFailed);
    return { ...(await createSegment(directories, dir, shardFence)), shardFence, usedAtMs: now() };
  }

  return {
    async append(head, shardFence, records) {
      const { sid, uid } = head;
      const dir = sessionDir(root, uid, sid);
      const lines = records.map((record) => sealLine(recordLine(sid, record))).join('');
      const first = sealLine(headLine(head, records[0]?.record.timestamp ?? now()));
      await gate(async () => {
        const startedAtMs = performance.now();
        const segment = await segmentFor(dir, sid, shardFence);
        try {
          await appendDurably(segment, Buffer.from(segment.size === 0 ? first + lines : lines));
        } finally {
          if (segment.size > 0) own.put(sid, segment);
        }
        options.onSync((performance.now() - startedAtMs) / 1_000);
      });
    },
    settle: async () => await gate(directories.sync),
    putAside: async (head, atMs) => await gate(async () => await putAside(root, head, atMs, own)),
    closeIdle: own.closeIdle,
    [Symbol.asyncDispose]: own.closeAll,
  };
}

async function putAside(
  root: string,
  { uid, sid }: SessionHead,
  atMs: number,
  own: OwnSegments,
): Promise<boolean> {
  const open = own.take(sid);
  if (open) await closeSegment(open);
  const dir = sessionDir(root, uid, sid);
  try {
    await rename(dir, `${dir}.deleted.${new Date(atMs).toISOString().replaceAll(':', '-')}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  await syncDirectory(dirname(dir));
  return true;
}
