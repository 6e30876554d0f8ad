import type { ConfigSnapshot, ConfigTree, MoltbotConfig } from '../../contracts/index.ts';
import { redactRaw } from './redact-raw.ts';
import { redactTree } from './redaction.ts';

/** What may leave the process. The hash stays the stored file's, so that a write-back can be compared. */
export function redactSnapshot(snapshot: ConfigSnapshot): ConfigSnapshot {
  return {
    ...snapshot,
    raw: snapshot.raw === null ? null : redactRaw(snapshot.raw),
    parsed: redactTree<ConfigTree>(snapshot.parsed, { keepReferences: true }),
    config: redactTree<MoltbotConfig>(snapshot.config, { keepReferences: false }),
  };
}
