/** Who may import whom. The compiler enforces most of it; this list is what the compiler is told. */
import { importsOf, resolved } from './imports.ts';
import { isCode, workspaceOf, type Tree } from './tree.ts';

const SERVICE = ['@moltbot/turns', '@moltbot/config', '@moltbot/shared/*'];
const CLIENT_SIDE = [
  '@moltbot/client',
  '@moltbot/client/*',
  '@moltbot/shared/contracts',
  '@moltbot/shared/errors',
];
const SERVICES = ['auth', 'gateway', 'session-store', 'llm-worker'];

/** Workspaces that are not named here (test, bench) may import everything. */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'packages/shared': [],
  'packages/turns': ['@moltbot/shared/contracts', '@moltbot/shared/errors', '@moltbot/shared/redis'],
  'packages/config': ['@moltbot/shared/contracts', '@moltbot/shared/errors'],
  'packages/client': ['@moltbot/shared/contracts', '@moltbot/shared/errors'],
  'packages/cli': [...CLIENT_SIDE, '@moltbot/client/*'],
  'packages/web': CLIENT_SIDE,
  'packages/demo-model': ['@moltbot/shared/*'],
  ...Object.fromEntries(SERVICES.map((name) => [`services/${name}`, SERVICE])),
  'services/standalone': [...SERVICE, '@moltbot/demo-model', ...SERVICES.map((name) => `@moltbot/${name}`)],
};

function allows(rules: readonly string[], specifier: string): boolean {
  return rules.some(
    (rule) => rule === specifier || (rule.endsWith('/*') && specifier.startsWith(rule.slice(0, -1))),
  );
}

export function forbiddenImports(tree: Tree): string[] {
  return tree
    .filter((file) => isCode(file.path))
    .flatMap((file) => {
      const room = workspaceOf(file.path);
      const rules = MAY_IMPORT[room];
      if (rules === undefined) return [];
      return importsOf(file).flatMap(({ specifier }) => {
        const path = resolved(file, specifier);
        if (path !== undefined && workspaceOf(path) !== room) return [`${file.path} reaches into ${path}`];
        if (!specifier.startsWith('@moltbot/') || allows(rules, specifier)) return [];
        return [`${file.path} imports ${specifier}, which ${room} may not`];
      });
    });
}

type Manifest = { dependencies?: Record<string, string>; devDependencies?: Record<string, string> };

/** A dependency that no rule allows would make the import one edit away. */
export function forbiddenDependencies(tree: Tree): string[] {
  return Object.entries(MAY_IMPORT).flatMap(([room, rules]) => {
    const file = tree.find(({ path }) => path === `${room}/package.json`);
    if (file === undefined) return [`${room} has no package.json`];
    const manifest = JSON.parse(file.text) as Manifest;
    const names = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
    const ours = names.filter((name) => name.startsWith('@moltbot/'));
    const refused = ours.filter(
      (name) => !rules.some((rule) => rule === name || rule.startsWith(`${name}/`)),
    );
    return refused.map((name) => `${room} depends on ${name}, which it may not`);
  });
}
