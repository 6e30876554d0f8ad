import type { ConfigIssue, ConfigSnapshot, MoltbotConfig } from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';
import type { PublishedConfig, Redis, Subscriber } from '@moltbot/shared/redis';
import {
  applyWrite,
  ConfigChangedError,
  loadConfigFile,
  requireValidConfig,
  snapshotFromTree,
  watchConfigFile,
  writeConfigFile,
  type ConfigWrite,
  type ConfigWritten,
  type LoadedConfig,
  type LoadOptions,
} from '@moltbot/config';
import { openConfigPublication } from './config-publication.ts';

export type ConfigStore = AsyncDisposable &
  Readonly<{
    /** What is in force: the last valid configuration. */
    current(): ConfigSnapshot;
    /** What is in the file now, valid or not. */
    file(): ConfigSnapshot;
    write(write: ConfigWrite): Promise<ConfigWritten>;
    onChange(listener: (snapshot: ConfigSnapshot) => void): void;
  }>;

export type ConfigStoreOptions = Readonly<{
  path: string;
  env: NodeJS.ProcessEnv;
  /** Only these sections are substituted here; provider keys exist in workers alone. undefined: all. */
  only: readonly string[] | undefined;
  /** What a valid configuration asks for and cannot have here; it is refused as an invalid one is. */
  impossible(config: MoltbotConfig): readonly ConfigIssue[];
  onProblem(snapshot: ConfigSnapshot): void;
  onError(what: string, error: unknown): void;
}>;

/** `moltbot.json` on disk, live, and published unsubstituted to every service through Redis. Throws when it cannot be used. */
export async function openConfigStore(
  redis: Redis,
  subscriber: Subscriber,
  options: ConfigStoreOptions,
): Promise<ConfigStore> {
  const { path, env } = options;
  const load = sections(options);
  let file = readFile(options);
  requireValidConfig(file);
  let current: ConfigSnapshot = file;
  const listeners = new Set<(snapshot: ConfigSnapshot) => void>();
  const use = (snapshot: ConfigSnapshot): void => {
    current = snapshot;
    for (const listener of listeners) {
      try {
        listener(snapshot);
      } catch (error) {
        options.onError('configuration change', error); // the other listeners hear of it all the same
      }
    }
  };
  // another replica's change: in force here too, until this replica's own file changes
  const useOther = ({ tree, hash }: PublishedConfig): void => {
    if (hash === current.hash) return;
    const snapshot = snapshotFromTree(tree, env, { path, hash, raw: file.raw, ...load });
    if (snapshot.valid) use(snapshot);
    else options.onProblem(snapshot);
  };
  await using cleanup = new AsyncDisposableStack();
  const failed = (error: unknown): void => options.onError('configuration', error);
  const publication = cleanup.use(
    await openConfigPublication(redis, subscriber, () => current, useOther, failed),
  );
  const reread = async (): Promise<void> => {
    file = readFile(options);
    if (!file.valid) return options.onProblem(file);
    if (file.hash === current.hash) return;
    use(file);
    await publication.publish();
  };
  cleanup.use(watchConfigFile(path, () => void reread().catch(failed)));
  const owned = cleanup.move();
  return {
    current: () => current,
    file: () => file,
    write: async (write) => {
      file = readFile(options);
      const written = await writeToFile(write, file, options);
      await reread();
      return written;
    },
    onChange: (listener) => void listeners.add(listener),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

const sections = ({ only }: ConfigStoreOptions): LoadOptions => (only === undefined ? {} : { only });

/** The file with everything that speaks against it, be it what it says or what it asks for. */
function readFile(options: ConfigStoreOptions): LoadedConfig {
  const file = loadConfigFile(options.path, options.env, sections(options));
  const issues = file.valid ? options.impossible(file.config) : [];
  return issues.length === 0 ? file : { ...file, valid: false, issues };
}

async function writeToFile(
  write: ConfigWrite,
  file: LoadedConfig,
  options: ConfigStoreOptions,
): Promise<ConfigWritten> {
  const result = applyWrite(write, file, { env: options.env, ...sections(options) });
  if (!result.ok) throw refused(result.message, result.issues);
  const impossible = options.impossible(result.next.config);
  if (impossible.length > 0) throw refused('invalid config', impossible);
  const expected = file.exists ? { baseHash: file.hash } : {};
  await writeConfigFile(options.path, result.raw, expected).catch((error: unknown) => {
    throw error instanceof ConfigChangedError
      ? refused('config changed since last load; re-run config.get and retry', [])
      : error;
  });
  return result;
}

/** Upstream's details: `{issues: [{path, message}]}`. */
function refused(message: string, issues: readonly ConfigIssue[]): AppError {
  return new AppError('INVALID_REQUEST', message, { details: issues.length > 0 ? { issues } : undefined });
}
