import type { ConfigIssue, ConfigSnapshot, MoltbotConfig } from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';
import type { PublishedConfig, Redis, Subscriber } from '@moltbot/shared/redis';
import {
  applyWrite,
  ConfigChangedError,
  hashConfig,
  loadConfigFile,
  loadConfigText,
  requireValidConfig,
  snapshotFromTree,
  watchConfigFile,
  writeConfigFile,
  type ConfigWrite,
  type ConfigWritten,
  type LoadedConfig,
  type LoadOptions,
} from '@moltbot/config';
import { openConfigPublication, rememberFile, type PublishReason } from './config-publication.ts';

export type ConfigStore = AsyncDisposable &
  Readonly<{
    /** What is in force: the last valid configuration. */
    current(): ConfigSnapshot;
    /** What a write builds on: the file as it is now, valid or not, or another replica's later change. */
    file(): ConfigSnapshot;
    write(write: ConfigWrite): Promise<ConfigWritten>;
    onChange(listener: (snapshot: ConfigSnapshot) => void): void;
  }>;

export type ConfigStoreOptions = Readonly<{
  /** Where this gateway runs: its file is told from a file of the same name elsewhere. */
  host: string;
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
  const { path } = options;
  let disk = readFile(options);
  requireValidConfig(disk);
  /** What writes build on: the file, or what another replica published since. */
  let base: LoadedConfig = disk;
  const force = inForce(disk, options);
  const inTurn = oneAtATime();
  const failed = (error: unknown): void => options.onError('configuration', error);

  const useOther = (published: PublishedConfig): void => {
    if (published.hash === force.current().hash) return;
    const other = fromOther(published, options);
    if (!other.valid) return options.onProblem(other);
    base = other;
    force.use(other);
    inTurn(async () => {
      if (other !== base || !(await saveOther(other, disk, options))) return;
      disk = other;
      await rememberFile(redis, options, other.hash);
    }).catch(failed);
  };
  await using cleanup = new AsyncDisposableStack();
  const events = { onPublished: useOther, onError: failed };
  const publication = cleanup.use(
    await openConfigPublication(redis, subscriber, options, force.current, events),
  );
  const accept = async (next: LoadedConfig, reason: PublishReason): Promise<void> => {
    disk = next;
    base = next;
    if (!next.valid) return options.onProblem(next);
    if (next.hash === force.current().hash) return;
    force.use(next);
    await publication.publish(next, reason);
  };
  const reread = async (): Promise<void> => {
    const next = readFile(options);
    if (next.hash !== disk.hash || next.valid !== disk.valid) await accept(next, 'edit');
  };
  cleanup.use(watchConfigFile(path, () => void inTurn(reread).catch(failed)));
  const owned = cleanup.move();
  return {
    current: force.current,
    file: () => base,
    write: async (write) =>
      await inTurn(async () => {
        await reread(); // an edit that nobody has noticed yet
        const written = await writeToFile(write, base, disk, options);
        await accept(readFile(options), 'write');
        return written;
      }),
    onChange: force.onChange,
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

/** The configuration in force and who wants to hear of the next one. */
function inForce(first: ConfigSnapshot, { onError }: ConfigStoreOptions) {
  let current = first;
  const listeners = new Set<(snapshot: ConfigSnapshot) => void>();
  return {
    current: (): ConfigSnapshot => current,
    onChange: (listener: (snapshot: ConfigSnapshot) => void) => void listeners.add(listener),
    use: (snapshot: ConfigSnapshot): void => {
      current = snapshot;
      for (const listener of listeners) {
        try {
          listener(snapshot);
        } catch (error) {
          onError('configuration change', error); // the other listeners hear of it all the same
        }
      }
    },
  };
}

/** Work on the file, one piece after the other: what one has written, the next one has read. */
function oneAtATime(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return async (work) => {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return await done;
  };
}

/** Another replica's configuration as its text says it; as one JSON text where the files it includes differ here. */
function fromOther({ tree, hash, raw }: PublishedConfig, options: ConfigStoreOptions): LoadedConfig {
  const { path, env } = options;
  const read = loadConfigText(raw, path, env, sections(options));
  if (read.hash === hash && JSON.stringify(read.parsed) === JSON.stringify(tree)) return read;
  const flat = { path, hash, raw: JSON.stringify(tree, null, 2), ...sections(options) };
  return { ...snapshotFromTree(tree, env, flat), files: [] };
}

/** Brings this replica's file in line; false where it is left alone, and this replica follows the publication alone. */
async function saveOther(
  other: LoadedConfig,
  disk: LoadedConfig,
  options: ConfigStoreOptions,
): Promise<boolean> {
  if (other.raw === null || hashConfig(other.raw) !== other.hash) return false;
  if (options.impossible(other.config).length > 0) return false; // the next start must not fail because of it
  const now = readFile(options);
  if (now.hash === other.hash) return true; // they share the file
  if (now.hash !== disk.hash || !now.valid) return false; // somebody is editing it
  await writeConfigFile(options.path, other.raw, now.exists ? { baseHash: now.hash } : {});
  return true;
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
  base: LoadedConfig,
  disk: LoadedConfig,
  options: ConfigStoreOptions,
): Promise<ConfigWritten> {
  const result = applyWrite(write, base, { env: options.env, ...sections(options) });
  if (!result.ok) throw refused(result.message, result.issues);
  const impossible = options.impossible(result.next.config);
  if (impossible.length > 0) throw refused('invalid config', impossible);
  const expected = disk.exists ? { baseHash: disk.hash } : {};
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
