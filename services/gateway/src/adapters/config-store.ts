import type { ConfigSnapshot } from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';
import { configKeys, followConfig, runScript, type Redis, type Subscriber } from '@moltbot/shared/redis';
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
} from '@moltbot/config';
import { configPublish1 } from './scripts.gen.ts';

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
  onProblem(snapshot: ConfigSnapshot): void;
}>;

const REPUBLISH_INTERVAL_MS = 10_000;

/** `moltbot.json` on disk, live, and published unsubstituted to every service through Redis. Throws when it cannot be used. */
export async function openConfigStore(
  redis: Redis,
  subscriber: Subscriber,
  options: ConfigStoreOptions,
): Promise<ConfigStore> {
  const { path, env } = options;
  const load = options.only === undefined ? {} : { only: options.only };
  let file: LoadedConfig = loadConfigFile(path, env, load);
  requireValidConfig(file);
  let current: ConfigSnapshot = file;
  let generation = 0;
  const listeners = new Set<(snapshot: ConfigSnapshot) => void>();
  const publish = async (force: boolean): Promise<void> => {
    const known = force ? '' : String(generation);
    const args = [current.hash, JSON.stringify(current.parsed), configKeys.bell, known];
    generation = Number(await runScript(redis, configPublish1, [configKeys.tree], args));
  };
  const use = (snapshot: ConfigSnapshot): void => {
    current = snapshot;
    for (const listener of listeners) listener(snapshot);
  };
  const reread = async (): Promise<void> => {
    file = loadConfigFile(path, env, load);
    if (!file.valid) return options.onProblem(file);
    if (file.hash === current.hash) return;
    use(file);
    await publish(true);
  };
  await publish(true);
  await using cleanup = new AsyncDisposableStack();
  // another replica's change: in force here too, until this replica's own file changes
  cleanup.use(
    await followConfig(redis, subscriber, (published) => {
      generation = published.generation;
      if (published.hash === current.hash) return;
      const snapshot = snapshotFromTree(published.tree, env, {
        path,
        hash: published.hash,
        raw: file.raw,
        ...load,
      });
      if (snapshot.valid) use(snapshot);
      else options.onProblem(snapshot);
    }),
  );
  cleanup.use(watchConfigFile(path, () => void reread().catch(() => undefined)));
  const timer = setInterval(() => void publish(false).catch(() => undefined), REPUBLISH_INTERVAL_MS);
  cleanup.defer(() => clearInterval(timer));
  const owned = cleanup.move();
  return {
    current: () => current,
    file: () => file,
    write: async (write) => {
      file = loadConfigFile(path, env, load);
      const result = applyWrite(write, file, { env, ...load });
      if (!result.ok) throw refused(result.message, result.issues);
      await writeConfigFile(path, result.raw, file.exists ? { baseHash: file.hash } : {}).catch(
        (error: unknown) => {
          throw error instanceof ConfigChangedError
            ? refused('config changed since last load; re-run config.get and retry', [])
            : unwritable(error, path);
        },
      );
      await reread();
      return result;
    },
    onChange: (listener) => void listeners.add(listener),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

const MAY_NOT = new Set(['EACCES', 'EPERM', 'EROFS']);

function unwritable(error: unknown, path: string): unknown {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (!MAY_NOT.has(code)) return error;
  const message = `${path} cannot be written (${code}): the user of the service has to own it and to be let into its folder`;
  return new AppError('INVALID_REQUEST', message, { cause: error });
}

/** Upstream's details: `{issues: [{path, message}]}`. */
function refused(message: string, issues: readonly Readonly<{ path: string; message: string }>[]): AppError {
  return new AppError('INVALID_REQUEST', message, { details: issues.length > 0 ? { issues } : undefined });
}
