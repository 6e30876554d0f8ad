import type { ConfigIssue } from '@moltbot/shared/contracts';
import { Failure } from '../../failure.ts';
import type { Gateway } from '../../target/gateway.ts';
import { mergePatch, parsePath, valueAt } from './path.ts';

export type ConfigAnswer = Readonly<{
  path: string;
  exists: boolean;
  valid: boolean;
  parsed: unknown;
  config: unknown;
  hash: string;
  issues: readonly ConfigIssue[];
  warnings?: readonly ConfigIssue[];
}>;

/** `needsRestart`: changed keys that wait for the next start; an older gateway does not say. */
export type ConfigChanged = Readonly<{ path: string; needsRestart?: readonly string[] }>;

export const readConfig = (gateway: Gateway): Promise<ConfigAnswer> =>
  gateway.call<ConfigAnswer>('config.get', {});

/**
 * One key, through `config.patch`: the server merges into the file as people wrote it,
 * so that comments' neighbours, `${NAME}` references and secrets stay as they are.
 */
export async function changeConfig(gateway: Gateway, path: string, value: unknown): Promise<ConfigChanged> {
  const wanted = parsePath(path);
  const { parsed, hash } = await readConfig(gateway);
  if (value === undefined && valueAt(parsed, wanted) === undefined)
    throw new Failure(`Config path not found: ${path}`);
  const raw = JSON.stringify(mergePatch(parsed, wanted, value));
  try {
    return await gateway.call<ConfigChanged>('config.patch', { raw, baseHash: hash });
  } catch (error) {
    throw explained(error, path);
  }
}

/** The gateway lists every fault of the new configuration; the first is the one that was typed. */
function explained(error: unknown, path: string): unknown {
  const cause = error instanceof Failure ? error.cause : undefined;
  const { details } = (cause ?? {}) as { details?: { issues?: readonly ConfigIssue[] } };
  const [issue] = details?.issues ?? [];
  return issue
    ? new Failure(`Config validation failed: ${issue.path || path}: ${issue.message}`, undefined, { cause })
    : error;
}
