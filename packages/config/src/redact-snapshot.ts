import type { ConfigSnapshot, ConfigTree, MoltbotConfig } from '@moltbot/shared/contracts';
import { getAt, mapLeaves, type ConfigPath } from './path.ts';
import { redactRaw } from './redact-raw.ts';
import { REDACTED, redactTree } from './redaction.ts';
import { refersToSecret } from './secrets.ts';

/**
 * Somebody who may write the configuration must not be able to read the process's environment with it,
 * by naming a secret variable in an innocent key. The parent counts too: a short spelling becomes an object.
 */
function redactReferred(config: MoltbotConfig, parsed: ConfigTree): MoltbotConfig {
  const written = (path: ConfigPath): unknown[] => [getAt(parsed, path), getAt(parsed, path.slice(0, -1))];
  return mapLeaves(config, (leaf, path) =>
    written(path).some(refersToSecret) ? REDACTED : leaf,
  ) as MoltbotConfig;
}

/** What may leave the process. The hash stays the stored file's, so that a write-back can be compared. */
export function redactSnapshot(snapshot: ConfigSnapshot): ConfigSnapshot {
  const { raw, parsed, config } = snapshot;
  return {
    ...snapshot,
    raw: raw === null ? null : redactRaw(raw),
    parsed: redactTree<ConfigTree>(parsed, { keepReferences: true }),
    config: redactReferred(redactTree<MoltbotConfig>(config, { keepReferences: false }), parsed),
  };
}
