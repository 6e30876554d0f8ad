/** The floor plan inside a service: a pure domain, and edges that meet adapters only in the root. */
import { importsOf, resolved, type Import } from './imports.ts';
import { isProduct, type SourceFile, type Tree } from './tree.ts';

const EDGES = ['http', 'ws', 'jobs'];

/** `services/gateway/src/domain/x.ts` -> `domain`; undefined for files directly in src. */
function floorOf(path: string): string | undefined {
  return /^services\/[^/]+\/src\/([^/]+)\//.exec(path)?.[1];
}

/** Hashing is a pure function; types leave nothing behind; all else comes in as a port. */
function isPure(file: SourceFile, { specifier, typeOnly }: Import): boolean {
  const path = resolved(file, specifier);
  if (path !== undefined) return floorOf(path) === 'domain';
  if (typeOnly && specifier.startsWith('@moltbot/')) return true;
  return ['@moltbot/shared/contracts', '@moltbot/shared/errors', 'zod', 'node:crypto'].includes(specifier);
}

export function impureDomains(tree: Tree): string[] {
  const files = tree.filter(({ path }) => isProduct(path) && floorOf(path) === 'domain');
  return files.flatMap((file) => {
    const impure = importsOf(file).filter((line) => !isPure(file, line));
    const clock = /\bDate\.now\(\)|\bnew Date\(\)|\bMath\.random\(\)|\bprocess\.env\b/.exec(file.text);
    return [
      ...impure.map(({ specifier }) => `${file.path} imports ${specifier}`),
      ...(clock === null ? [] : [`${file.path} uses ${clock[0]}: take it as a port`]),
    ];
  });
}

/** Wiring is the composition root's: what runs at an edge knows its adapters by their ports alone. */
export function shortCuts(tree: Tree): string[] {
  return tree
    .filter(({ path }) => isProduct(path))
    .flatMap((file) => {
      const from = floorOf(file.path) ?? '';
      const closed = EDGES.includes(from) ? ['adapters'] : from === 'adapters' ? EDGES : [];
      const lines = importsOf(file).filter(({ specifier, typeOnly }) => {
        const path = resolved(file, specifier);
        return !typeOnly && path !== undefined && closed.includes(floorOf(path) ?? '');
      });
      return lines.map(({ specifier }) => `${file.path} imports ${specifier}`);
    });
}

/** The environment and the process are known in one place each. */
export function processKnowledge(tree: Tree): string[] {
  const services = tree.filter(({ path }) => isProduct(path) && path.startsWith('services/'));
  const others = services.filter(({ path }) => !/\/src\/(?:main|config)\.ts$/.test(path));
  return others
    .filter(({ text }) => /\bprocess\.(?:env\b|exit\(|once\(|on\()/.test(text))
    .map(({ path }) => `${path} knows the process; only main.ts does`);
}
