import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, copyFile, mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hashConfig } from './load.ts';

const BACKUPS = ['.bak', '.bak.1', '.bak.2', '.bak.3', '.bak.4'] as const;
const PRIVATE_MODE = 0o600;
/** Read access of the file's group is kept: the service reads a file that root owns. */
const KEPT_MODE = 0o640;

/** Somebody else wrote between our reading and our writing. */
export class ConfigChangedError extends Error {
  override readonly name = 'ConfigChangedError';
  constructor() {
    super('config changed since last load; re-run config.get and retry');
  }
}

function unlessMissing(fault: unknown): undefined {
  if ((fault as NodeJS.ErrnoException).code !== 'ENOENT') throw fault;
  return undefined;
}

async function rotateBackups(path: string): Promise<void> {
  const oldestFirst = BACKUPS.toReversed();
  for (const [index, older] of oldestFirst.entries()) {
    const newer = oldestFirst[index + 1];
    if (newer !== undefined) await rename(path + newer, path + older).catch(unlessMissing);
  }
  await copyFile(path, path + BACKUPS[0]);
  await chmod(path + BACKUPS[0], PRIVATE_MODE);
}

async function writeDurably(
  path: string,
  raw: string,
  mode: number,
  owner: { uid: number; gid: number } | undefined,
): Promise<void> {
  await using file = await open(
    path,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
    PRIVATE_MODE,
  );
  await file.writeFile(raw, 'utf8');
  // Only root may give a file away; for everyone else the owner is already right.
  if (owner) await file.chown(owner.uid, owner.gid).catch(() => undefined);
  await file.chmod(mode);
  await file.sync();
}

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, constants.O_RDONLY);
  await directory.sync();
}

/**
 * Replaces the file in one step, after moving the old text into `.bak`, `.bak.1` … With `baseHash` only
 * while the file still has that hash.
 */
export async function writeConfigFile(
  path: string,
  raw: string,
  { baseHash }: { baseHash?: string } = {},
): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const target = await realpath(path).catch(() => path);
  const existing = await stat(target).catch(unlessMissing);
  const temporary = join(dirname(target), `.moltbot.${randomUUID()}.tmp`);
  try {
    await writeDurably(
      temporary,
      raw,
      existing ? (existing.mode & KEPT_MODE) | PRIVATE_MODE : PRIVATE_MODE,
      existing,
    );
    if (existing) {
      const stored = await readFile(target);
      if (baseHash !== undefined && hashConfig(stored) !== baseHash) throw new ConfigChangedError();
      await rotateBackups(target);
    }
    await rename(temporary, target);
  } finally {
    await rm(temporary, { force: true });
  }
  await syncDirectory(dirname(target));
}
