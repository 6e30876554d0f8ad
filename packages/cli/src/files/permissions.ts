import { chmod, lstat, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { configPath, credentialsDir, type Env, stateDir } from '../target/environment.ts';

/** A look at a large archive must end; the directories above it close the rest. */
const MAX_SESSION_FILES = 5_000;
const OTHERS_READ = 0o004;
const BEYOND_OWNER = 0o077;
const BEYOND_GROUP_READ = 0o037;

type Rule = Readonly<{
  path: string;
  what: string;
  kind: 'directory' | 'file';
  wanted: number;
  forbidden: number;
}>;

/** A path whose mode lets somebody in who should stay out. */
export type LooseMode = Rule & Readonly<{ mode: number; worldReadable: boolean }>;

/** Every file of this machine that holds a secret or a conversation, where it exists and we may look. */
export async function findLooseModes(env: Env): Promise<{ loose: LooseMode[]; checked: number }> {
  const rules = [...fixedRules(env), ...(await treeRules(env))];
  const found = await Promise.all(rules.map(inspect));
  const present = found.filter((result) => result !== undefined);
  return {
    loose: present.filter((result) => (result.mode & result.forbidden) !== 0),
    checked: present.length,
  };
}

/** Takes away what is too much and adds nothing. */
export async function tighten({ path, mode, forbidden }: LooseMode): Promise<number> {
  const repaired = mode & ~forbidden;
  await chmod(path, repaired);
  return repaired;
}

export const octal = (mode: number): string => (mode & 0o777).toString(8).padStart(3, '0');

function fixedRules(env: Env): Rule[] {
  const config = configPath(env);
  const secret = { kind: 'file', wanted: 0o600, forbidden: BEYOND_OWNER } as const;
  const own = { kind: 'directory', wanted: 0o700, forbidden: BEYOND_OWNER } as const;
  return [
    // The service reads it through its group; nobody else does.
    { path: config, what: 'configuration', kind: 'file', wanted: 0o640, forbidden: BEYOND_GROUP_READ },
    { path: join(dirname(config), 'environment'), what: 'environment file', ...secret },
    { path: stateDir(env), what: 'state directory', ...own },
    { path: credentialsDir(env), what: 'credentials directory', ...own },
  ];
}

async function treeRules(env: Env): Promise<Rule[]> {
  const roots = [
    { path: join(stateDir(env), 'sessions'), what: 'session archive' },
    { path: credentialsDir(env), what: 'credential' },
  ];
  const perRoot = await Promise.all(roots.map(({ path, what }) => walk(path, what)));
  return perRoot.flat();
}

async function walk(root: string, what: string): Promise<Rule[]> {
  const entries = await readdir(root, { withFileTypes: true, recursive: true }).catch(() => []);
  const rules = entries
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .slice(0, MAX_SESSION_FILES)
    .map((entry): Rule => {
      const kind = entry.isDirectory() ? 'directory' : 'file';
      return {
        path: join(entry.parentPath, entry.name),
        what,
        kind,
        wanted: kind === 'file' ? 0o600 : 0o700,
        forbidden: BEYOND_OWNER,
      };
    });
  return entries.length > 0
    ? [{ path: root, what, kind: 'directory', wanted: 0o700, forbidden: BEYOND_OWNER }, ...rules]
    : rules;
}

/** Symbolic links are left alone: their own mode means nothing, and a ConfigMap is mounted as links. */
async function inspect(rule: Rule): Promise<LooseMode | undefined> {
  const stats = await lstat(rule.path).catch(() => undefined);
  if (!stats || stats.isSymbolicLink()) return undefined;
  const mode = stats.mode & 0o777;
  return { ...rule, mode, worldReadable: (mode & OTHERS_READ) !== 0 };
}
