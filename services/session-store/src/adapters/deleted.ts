import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { readHead } from '../domain/transcript.ts';
import { namesIn } from './archive-reader.ts';
import { isWhole } from './line.ts';
import { inWritingOrder, userDir } from './paths.ts';
import { readPlace } from './scan.ts';

/** Room for a head with the longest key, and for where the record behind it says its place. */
const BEGINNING_BYTES = 8 * 1_024;
const NEWLINE = 10;

/** Which of a user's keys pointed at sessions that were deleted, and the fence of the last such one's first record. */
export async function deletedKeys(root: string, uid: string): Promise<ReadonlyMap<string, number>> {
  const dir = userDir(root, uid);
  const keys = new Map<string, number>();
  for (const name of (await namesIn(dir)).filter((one) => one.includes('.deleted.'))) {
    const [first] = inWritingOrder(await namesIn(join(dir, name)));
    const found = first === undefined ? undefined : await readBeginning(join(dir, name, first));
    if (found) keys.set(found.key, Math.max(found.fence, keys.get(found.key) ?? 0));
  }
  return keys;
}

async function readBeginning(path: string): Promise<{ key: string; fence: number } | undefined> {
  const handle = await open(path, 'r').catch(() => undefined); // it says nothing, and hinders nothing
  if (!handle) return undefined;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(BEGINNING_BYTES), 0, BEGINNING_BYTES, 0);
    const end = buffer.indexOf(NEWLINE);
    const line = buffer.subarray(0, Math.max(0, end));
    const head = isWhole(line) ? readHead(JSON.parse(line.toString())) : undefined;
    const place = readPlace(buffer.subarray(end + 1, bytesRead));
    return head && place && { key: head.key, fence: place.fence };
  } finally {
    await handle.close();
  }
}
