import { isDeepStrictEqual } from 'node:util';
import type { ConfigIssue, ConfigSnapshot, ConfigTree, MoltbotConfig } from '@moltbot/shared/contracts';
import { rewriteJson5 } from './edit.ts';
import { loadConfigText, type LoadedConfig, type LoadOptions } from './load.ts';
import { createMergePatch, mergePatch } from './merge.ts';
import { parseJson5 } from './parse.ts';
import { formatConfigPath, isTree, type ConfigPath } from './path.ts';
import { restoreRaw } from './redact-raw.ts';
import { restoreRedacted } from './redaction.ts';
import { schemaNodesAt } from './schema-tree.ts';
import type { Environment } from './substitute.ts';

export type ConfigWrite = Readonly<{
  /** `set` and `apply` replace the text, `patch` merges into it (RFC 7396). */
  mode: 'set' | 'apply' | 'patch';
  raw: string;
  baseHash?: string | undefined;
}>;

/** Worded as upstream has it: clients and scripts search for these texts. */
export type ConfigRefusal = Readonly<{ ok: false; message: string; issues: readonly ConfigIssue[] }>;

export type ConfigWritten = Readonly<{
  ok: true;
  /** What to store; its hash is `next.hash`. */
  raw: string;
  next: LoadedConfig;
  /** Dotted paths whose effective value differs, and those of them that need a restart. */
  changed: readonly string[];
  restart: readonly string[];
}>;

export type WriteContext = LoadOptions & Readonly<{ env: Environment }>;

function refuse(message: string, issues: readonly ConfigIssue[] = []): ConfigRefusal {
  return { ok: false, message, issues };
}

function changedPaths(before: unknown, patch: ConfigTree, path: ConfigPath = []): ConfigPath[] {
  return Object.entries(patch).flatMap(([name, value]) => {
    const old = isTree(before) && Object.hasOwn(before, name) ? before[name] : undefined;
    return isTree(value) && isTree(old) ? changedPaths(old, value, [...path, name]) : [[...path, name]];
  });
}

/** What a running service has to look at after the configuration changed. */
export function configChanges(
  before: MoltbotConfig,
  after: MoltbotConfig,
): Pick<ConfigWritten, 'changed' | 'restart'> {
  const [from, to] = [before, after].map((config) => JSON.parse(JSON.stringify(config)) as ConfigTree);
  const paths = changedPaths(from, createMergePatch(from ?? {}, to ?? {}));
  const needsRestart = (path: ConfigPath): boolean =>
    path.some((_, index) =>
      schemaNodesAt(path.slice(0, index + 1)).some(({ hint }) => hint?.apply === 'restart'),
    );
  return { changed: paths.map(formatConfigPath), restart: paths.filter(needsRestart).map(formatConfigPath) };
}

/** The file's own tree: with `$include`, without what it brings in. */
function authoredTree(snapshot: ConfigSnapshot): unknown {
  if (snapshot.raw === null) return snapshot.parsed;
  try {
    return parseJson5(snapshot.raw);
  } catch {
    return {};
  }
}

function replaced(write: ConfigWrite, snapshot: ConfigSnapshot): string | ConfigRefusal {
  const { raw, issues } = restoreRaw(write.raw, authoredTree(snapshot));
  return issues.length > 0 ? refuse('invalid config', issues) : raw;
}

function patched(write: ConfigWrite, snapshot: ConfigSnapshot): string | ConfigRefusal {
  if (!snapshot.valid) return refuse('invalid config; fix before patching', snapshot.issues);
  const sent = parseJson5(write.raw);
  if (!isTree(sent)) return refuse('config.patch raw must be an object');
  const authored = authoredTree(snapshot);
  const { tree: patch, issues } = restoreRedacted(sent, authored);
  if (issues.length > 0) return refuse('invalid config', issues);
  const next = mergePatch(authored, patch);
  return rewriteJson5(snapshot.raw, isTree(next) ? next : {});
}

/** A patch cannot take away what only an included file says, nor replace a list that one extends. */
function hiddenByInclude(
  write: ConfigWrite,
  snapshot: ConfigSnapshot,
  next: LoadedConfig,
): readonly ConfigIssue[] {
  if (write.mode !== 'patch' || next.files.length === 0) return [];
  const wanted = mergePatch(
    snapshot.parsed,
    restoreRedacted(parseJson5(write.raw), snapshot.parsed).tree,
  ) as ConfigTree;
  if (isDeepStrictEqual(wanted, next.parsed)) return [];
  return changedPaths(next.parsed, createMergePatch(next.parsed, wanted)).map((path) => ({
    path: formatConfigPath(path),
    message: `comes from an included file; edit ${next.files.join(' or ')}`,
  }));
}

/** The next text, or why not; nothing is stored here. `snapshot` is what the store holds now. */
export function applyWrite(
  write: ConfigWrite,
  snapshot: ConfigSnapshot,
  context: WriteContext,
): ConfigWritten | ConfigRefusal {
  if (snapshot.exists && !write.baseHash)
    return refuse('config base hash required; re-run config.get and retry');
  if (snapshot.exists && write.baseHash !== snapshot.hash)
    return refuse('config changed since last load; re-run config.get and retry');
  try {
    const raw = write.mode === 'patch' ? patched(write, snapshot) : replaced(write, snapshot);
    if (typeof raw !== 'string') return raw;
    const next = loadConfigText(raw, snapshot.path, context.env, context);
    if (!next.valid) return refuse('invalid config', next.issues);
    const hidden = hiddenByInclude(write, snapshot, next);
    if (hidden.length > 0) return refuse('invalid config', hidden);
    return { ok: true, raw, next, ...configChanges(snapshot.config, next.config) };
  } catch (fault) {
    return refuse(fault instanceof Error ? fault.message : String(fault));
  }
}
