import { statSync, watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';

export type WatchOptions = Readonly<{
  /** Included files to look at as well; asked anew each time. */
  files?: () => readonly string[];
  debounceMs?: number;
  pollMs?: number;
}>;

function fingerprint(paths: readonly string[]): string {
  return paths
    .map((path) => {
      const found = statSync(path, { throwIfNoEntry: false });
      return found ? `${found.ino}:${found.size}:${found.mtimeMs}` : 'missing';
    })
    .join('|');
}

/**
 * Calls back some quiet time after the file, or one it includes, changed.
 *
 * @NOTE the directory is watched, not the file: an atomic write replaces the inode, and a mounted
 * ConfigMap swaps a link beside it. Network file systems send no notice at all, hence the polling.
 */
export function watchConfigFile(
  path: string,
  onChange: () => void,
  options: WatchOptions = {},
): AsyncDisposable {
  const { files = () => [], debounceMs = 300, pollMs = 1_000 } = options;
  const look = (): string => {
    try {
      return fingerprint([path, ...files()]);
    } catch {
      return 'unreadable';
    }
  };
  let seen = look();
  let quiet: NodeJS.Timeout | undefined;

  const check = (): void => {
    const now = look();
    if (now === seen) return;
    seen = now;
    clearTimeout(quiet);
    quiet = setTimeout(onChange, debounceMs);
  };

  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(dirname(path), check);
    watcher.on('error', () => watcher?.close());
  } catch {
    // Without notices the polling alone finds the change.
  }
  const poll = setInterval(check, pollMs);

  return {
    [Symbol.asyncDispose]: () => {
      clearInterval(poll);
      clearTimeout(quiet);
      watcher?.close();
      return Promise.resolve();
    },
  };
}
