/** What keeps packages/shared from becoming a drawer: five rooms, each with its own short guest list. */
import { importsOf, resolved } from './imports.ts';
import { isGenerated, isProduct, lineCount, type SourceFile, type Tree } from './tree.ts';

type Guests = Readonly<{ packages: readonly string[]; rooms: readonly string[]; node: boolean }>;

const ROOMS: Readonly<Record<string, Guests>> = {
  contracts: { packages: ['zod'], rooms: [], node: false },
  errors: { packages: [], rooms: [], node: false },
  redis: { packages: ['ioredis'], rooms: ['contracts', 'errors'], node: true },
  runtime: { packages: ['express', 'json5', 'zod'], rooms: ['contracts', 'errors'], node: true },
  telemetry: { packages: ['pino', 'prom-client'], rooms: [], node: true },
};

const HOME = 'packages/shared/src/';
const LINES_IN_ALL = 2_500;
const LINES_PER_FILE = 250;

export const isShared = (path: string): boolean => path.startsWith(HOME) && isProduct(path);

export function roomOf(path: string): string {
  return path.slice(HOME.length).split('/')[0] ?? '';
}

function isGuest(file: SourceFile, specifier: string, guests: Guests): boolean {
  const path = resolved(file, specifier);
  if (path !== undefined) {
    const room = roomOf(path);
    return room === roomOf(file.path) || guests.rooms.includes(room);
  }
  if (specifier.startsWith('node:')) return guests.node;
  return guests.packages.some((name) => specifier === name || specifier.startsWith(`${name}/`));
}

export function uninvited(tree: Tree): string[] {
  return tree
    .filter(({ path }) => isShared(path))
    .flatMap((file) => {
      const guests = ROOMS[roomOf(file.path)];
      if (guests === undefined) return [`${file.path}: a new room needs a decision in docs/adr`];
      const refused = importsOf(file).filter(({ specifier }) => !isGuest(file, specifier, guests));
      return refused.map(({ specifier }) => `${file.path} imports ${specifier}`);
    });
}

export function overBudget(tree: Tree): string[] {
  const files = tree.filter(({ path }) => isShared(path) && !isGenerated(path));
  const total = files.reduce((sum, { text }) => sum + lineCount(text), 0);
  const long = files
    .filter(({ text }) => lineCount(text) > LINES_PER_FILE)
    .map(({ path, text }) => `${path}: ${lineCount(text)} lines`);
  return total > LINES_IN_ALL ? [...long, `packages/shared: ${total} lines`] : long;
}
