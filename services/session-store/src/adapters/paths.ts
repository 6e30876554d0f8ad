import { join } from 'node:path';
import { SessionId, UserId } from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';

/** Ids come from our own Redis and from internal calls; still none of them may lead out of the archive. */
export function userDir(root: string, uid: string): string {
  if (!UserId.safeParse(uid).success) throw new AppError('INVALID_REQUEST', 'not a user id');
  return join(root, uid);
}

export function sessionDir(root: string, uid: string, sid: string): string {
  if (!isSessionId(sid)) throw new AppError('INVALID_REQUEST', 'not a session id');
  return join(userDir(root, uid), sid);
}

export const isSessionId = (name: string): boolean => SessionId.safeParse(name).success;

/** `<shard fence>.jsonl`, and `<shard fence>-2.jsonl` once the first has been sealed. */
export function segmentName(shardFence: string, part: number): string {
  return part === 1 ? `${shardFence}.jsonl` : `${shardFence}-${part}.jsonl`;
}

/** Segment names in the order they were written; anything else in the directory is left out. */
export function inWritingOrder(names: readonly string[]): string[] {
  const found = names.flatMap((name) => {
    const [whole, fence, part = '1'] = /^(\d+)(?:-(\d+))?\.jsonl$/.exec(name) ?? [];
    return whole === undefined ? [] : [{ name, fence: Number(fence), part: Number(part) }];
  });
  return found.toSorted((a, b) => a.fence - b.fence || a.part - b.part).map(({ name }) => name);
}
