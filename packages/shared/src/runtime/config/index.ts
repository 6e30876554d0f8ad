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
export { createMergePatch, mergePatch } from './merge.ts';
export { ConfigSyntaxError, parseJson5 } from './parse.ts';
export { formatConfigPath, getAt, parseConfigPath, setAt, unsetAt, type ConfigPath } from './path.ts';
export { configKeys, type ConfigKey, type SchemaNode } from './schema-tree.ts';
export { substitute, type Environment } from './substitute.ts';
export { configJsonSchema, configUiHints, type ConfigUiHint } from './ui-hints.ts';
export { validateConfig } from './validate.ts';
