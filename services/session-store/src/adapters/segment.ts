import { open, truncate, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncDirectory, type Directories } from './directories.ts';
import { segmentName } from './paths.ts';

/** One file that this process, and nobody else ever, writes. */
export type Segment = {
  readonly path: string;
  /** Up to here it is whole lines and safely on disk. */
  size: number;
  handle: FileHandle | undefined;
};

const FILE_MODE = 0o600;

/** A file that did not exist before: what another process has begun is never appended to. */
export async function createSegment(
  directories: Directories,
  dir: string,
  shardFence: string,
): Promise<Segment> {
  await directories.make(dir);
  for (let part = 1; ; part += 1) {
    const path = join(dir, segmentName(shardFence, part));
    try {
      return { path, size: 0, handle: await open(path, 'wx', FILE_MODE) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** False when it is not as we left it (somebody cut it, or a failed write could not be taken back): then it is sealed. */
export async function reopenSegment(segment: Segment): Promise<boolean> {
  if (segment.handle) return true;
  const handle = await open(segment.path, 'r+').catch(() => undefined);
  if (!handle) return false;
  const { size } = await handle.stat();
  if (size === segment.size) segment.handle = handle;
  else await handle.close();
  return size === segment.size;
}

/**
 * Adds whole lines and makes them durable, all or nothing: after a failure the file is cut back
 * to what was safe before, and where even that fails it is sealed by its wrong size.
 */
export async function appendDurably(segment: Segment, bytes: Buffer): Promise<void> {
  const { handle, size, path } = segment;
  if (!handle) throw new Error('segment is not open');
  try {
    await writeAll(handle, bytes, size);
    await handle.datasync();
    // the name must outlast a crash as well as the content
    if (size === 0) await syncDirectory(dirname(path));
    segment.size = size + bytes.length;
  } catch (error) {
    segment.handle = undefined;
    await handle.close().catch(() => undefined); // the write's own error says more
    await (size === 0 ? unlink(path) : truncate(path, size)).catch(() => undefined);
    throw error;
  }
}

export async function closeSegment(segment: Segment): Promise<void> {
  const { handle } = segment;
  segment.handle = undefined;
  await handle?.close();
}

async function writeAll(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    if (bytesWritten === 0) throw new Error('the file system takes no more bytes');
    done += bytesWritten;
  }
}
