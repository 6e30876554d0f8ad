import type { ConfigIssue, MoltbotConfig } from '@moltbot/shared/contracts';
import { followConfig, type PublishedConfig, type Redis, type Subscriber } from '@moltbot/shared/redis';
import { loadConfigFile, requireValidConfig, resolveConfigPath, snapshotFromTree } from '@moltbot/config';

/** What is substituted and read here. */
const SECTIONS = ['models', 'agents', 'logging'] as const;

/** The mounted file: in force until a gateway has published the configuration. */
export function mountedConfig(env: NodeJS.ProcessEnv): MoltbotConfig {
  return requireValidConfig(loadConfigFile(resolveConfigPath(env), env, { only: SECTIONS }));
}

/** Calls back with every configuration that a gateway publishes; one that cannot be used here changes nothing. */
export async function followPublishedConfig(
  redis: Redis,
  subscriber: Subscriber,
  env: NodeJS.ProcessEnv,
  onConfig: (config: MoltbotConfig) => void,
  onUnusable: (issues: readonly ConfigIssue[]) => void,
  onError: (error: unknown) => void,
): Promise<AsyncDisposable> {
  const path = resolveConfigPath(env);
  const use = ({ tree, hash }: PublishedConfig): void => {
    const snapshot = snapshotFromTree(tree, env, { path, hash, only: SECTIONS });
    if (snapshot.valid) onConfig(snapshot.config);
    else onUnusable(snapshot.issues);
  };
  return await followConfig(redis, subscriber, use, onError);
}
