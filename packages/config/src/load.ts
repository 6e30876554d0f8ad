import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ConfigIssue, ConfigSnapshot, ConfigTree, MoltbotConfig } from '@moltbot/shared/contracts';
import { configWarnings, legacyIssues, tokenIssues } from './advice.ts';
import { includeReader, resolveIncludes, type ReadInclude } from './includes.ts';
import { parseJson5 } from './parse.ts';
import { isTree } from './path.ts';
import { environmentOf, substitute, type Environment, type SubstituteOptions } from './substitute.ts';
import { validateConfig } from './validate.ts';

export function hashConfig(raw: string | Buffer): string {
  return createHash('sha256').update(raw).digest('hex');
}

export type SnapshotSource = SubstituteOptions &
  Readonly<{ path: string; raw?: string | null; hash?: string; exists?: boolean }>;

/** For a service that receives the unsubstituted tree instead of a file. */
export function snapshotFromTree(parsed: unknown, env: Environment, source: SnapshotSource): ConfigSnapshot {
  const raw = source.raw ?? null;
  const substituted = substitute(parsed, environmentOf(parsed, env), source);
  const { config, issues: faults } = validateConfig(substituted.tree);
  const issues = [...substituted.issues, ...faults, ...tokenIssues(config)];
  return {
    path: source.path,
    exists: source.exists ?? true,
    raw,
    parsed: isTree(parsed) ? parsed : {},
    valid: issues.length === 0,
    config,
    hash: source.hash ?? hashConfig(raw ?? JSON.stringify(parsed)),
    issues,
    warnings: configWarnings(parsed, config),
    legacyIssues: legacyIssues(parsed),
  };
}

export type LoadOptions = SubstituteOptions & Readonly<{ readInclude?: ReadInclude }>;

/** A snapshot plus the included files, for whoever watches them. */
export type LoadedConfig = ConfigSnapshot & Readonly<{ files: readonly string[] }>;

/** From text as if it were in `path`. Never throws for what somebody wrote: every fault is an issue. */
export function loadConfigText(
  raw: string,
  path: string,
  env: Environment,
  options: LoadOptions = {},
): LoadedConfig {
  const source: SnapshotSource = { path, raw, only: options.only };
  try {
    const authored = parseJson5(raw, path);
    const { tree, files } = resolveIncludes(authored, path, options.readInclude ?? includeReader(path));
    return { ...snapshotFromTree(tree, env, source), files };
  } catch (fault) {
    const issue: ConfigIssue = { path: '', message: fault instanceof Error ? fault.message : String(fault) };
    const nothing: ConfigTree = {};
    return { ...snapshotFromTree(nothing, env, source), valid: false, issues: [issue], files: [] };
  }
}

/** A file that is not there is an empty configuration; one that cannot be read is an issue. */
export function loadConfigFile(path: string, env: Environment, options: LoadOptions = {}): LoadedConfig {
  try {
    return loadConfigText(readFileSync(path, 'utf8'), path, env, options);
  } catch (fault) {
    const { code, message } = fault as NodeJS.ErrnoException;
    const missing = snapshotFromTree({}, env, {
      path,
      raw: null,
      hash: hashConfig(''),
      exists: code !== 'ENOENT',
      only: options.only,
    });
    if (code === 'ENOENT') return { ...missing, files: [] };
    return {
      ...missing,
      valid: false,
      issues: [{ path: '', message: `cannot read ${path}: ${code ?? message}` }],
      files: [],
    };
  }
}

/** The configuration to start with; throws one error that lists every fault. */
export function requireValidConfig(snapshot: ConfigSnapshot): MoltbotConfig {
  if (snapshot.valid) return snapshot.config;
  const faults = snapshot.issues.map(({ path, message }) => `  - ${path || '(file)'}: ${message}`).join('\n');
  throw new Error(`invalid config ${snapshot.path}:\n${faults}`);
}
