export { resolveConfigPath, SYSTEM_CONFIG_PATH } from './location.ts';
export {
  hashConfig,
  loadConfigFile,
  loadConfigText,
  requireValidConfig,
  snapshotFromTree,
  type LoadedConfig,
  type LoadOptions,
  type SnapshotSource,
} from './load.ts';
export { ConfigChangedError, writeConfigFile } from './file-store.ts';
export { createMergePatch, mergePatch } from './merge.ts';
export { ConfigSyntaxError, parseJson5 } from './parse.ts';
export { formatConfigPath, getAt, parseConfigPath, setAt, unsetAt, type ConfigPath } from './path.ts';
export { resolveProviders, splitModelRef, type ResolvedProvider } from './providers.ts';
export { redactRaw } from './redact-raw.ts';
export { redactSnapshot } from './redact-snapshot.ts';
export { redactTree, restoreRedacted } from './redaction.ts';
export { resetPolicyFor, type ResetPolicy } from './reset-policy.ts';
export { configKeys, type ConfigKey, type SchemaNode } from './schema-tree.ts';
export { substitute, type Environment } from './substitute.ts';
export { configJsonSchema, configUiHints, type ConfigUiHint } from './ui-hints.ts';
export { validateConfig } from './validate.ts';
export { watchConfigFile, type WatchOptions } from './watch.ts';
export {
  applyWrite,
  configChanges,
  type ConfigRefusal,
  type ConfigWrite,
  type ConfigWritten,
  type WriteContext,
} from './write.ts';
export { DEMO_PROVIDER, modelCatalogue, type CatalogModel, type ModelCatalogue } from './models.ts';
