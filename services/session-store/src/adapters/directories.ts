import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';

export type Directories = Readonly<{
  /** A session's directory and its user's, made where they are missing. */
  make: (dir: string) => Promise<void>;
  /** Makes the names of all that was made since the last call durable; one sync for a user, however many sessions. */
  sync: () => Promise<void>;
}>;

const DIRECTORY_MODE = 0o700;
/** Users whose directory is known to be there; forgotten all at once, it only saves a call. */
const MOST_KNOWN = 10_000;

export function createDirectories(): Directories {
  const known = new Set<string>();
  const changed = new Set<string>();

  async function ensure(path: string): Promise<void> {
    try {
      await mkdir(path, DIRECTORY_MODE);
      changed.add(dirname(path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }

  return {
    make: async (dir) => {
      const parent = dirname(dir);
      if (known.size >= MOST_KNOWN) known.clear();
      if (!known.has(parent)) await ensure(parent);
      known.add(parent);
      try {
        await ensure(dir);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        await ensure(parent); // somebody has removed it meanwhile
        await ensure(dir);
      }
    },
    sync: async () => {
      for (const path of changed) {
        await syncDirectory(path);
        changed.delete(path);
      }
    },
  };
}

export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
