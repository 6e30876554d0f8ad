/**
 * Who uses what `packages/shared` exports. A symbol with one user belongs in that user's home.
 *
 * A symbol that another exported symbol of its room is made of (a part of a schema, the type of an
 * argument) has that symbol's users too: they meet it without naming it.
 */
import { importsOf } from './imports.ts';
import { isShared, roomOf } from './shared-rooms.ts';
import { isProduct, workspaceOf, type SourceFile, type Tree } from './tree.ts';

export type Shared = { name: string; room: string; file: string; text: string; users: Set<string> };

/** Key names are born in one file, however few use them: that is their rule. */
const EXEMPT = new Set(['packages/shared/src/redis/keys.ts']);
const ENOUGH = 2;

const DECLARATION = /^export (?:declare |abstract |async )*(?:const|function\*?|class|type|interface) (\w+)/;

function declarations(file: SourceFile): Shared[] {
  const statements = file.text.split(/^(?=export |const |function |type |class )/m);
  return statements.flatMap((text) => {
    const name = DECLARATION.exec(text)?.[1];
    return name === undefined
      ? []
      : [{ name, room: roomOf(file.path), file: file.path, text, users: new Set<string>() }];
  });
}

/** A zod schema and its type share a name and are one symbol. */
function merged(all: readonly Shared[]): Shared[] {
  const byName = new Map<string, Shared>();
  for (const symbol of all) {
    const known = byName.get(`${symbol.room}/${symbol.name}`);
    if (known === undefined) byName.set(`${symbol.room}/${symbol.name}`, symbol);
    else known.text += symbol.text;
  }
  return [...byName.values()];
}

/** The names an `index.ts` lets out, following `export *`; undefined where it lets out all of a file. */
function isPublic(tree: Tree, symbol: Shared): boolean {
  const fences = tree.filter(
    ({ path }) => isShared(path) && roomOf(path) === symbol.room && path.endsWith('/index.ts'),
  );
  const leaf = symbol.file.split('/').at(-1) ?? '';
  const doors = fences.flatMap(importsOf).filter(({ specifier }) => specifier.endsWith(`/${leaf}`));
  return doors.some(({ names }) => names.includes('*') || names.includes(symbol.name));
}

function recordUsers(tree: Tree, symbols: readonly Shared[]): void {
  for (const file of tree.filter(({ path }) => isProduct(path))) {
    for (const { specifier, names } of importsOf(file)) {
      const room =
        /^@moltbot\/shared\/(\w+)$/.exec(specifier)?.[1] ??
        /^\.\.\/(?:\.\.\/)*(\w+)\/index\.ts$/.exec(specifier)?.[1];
      if (room === undefined) continue;
      const user = isShared(file.path) ? `shared/${roomOf(file.path)}` : workspaceOf(file.path);
      const used = symbols.filter(
        (symbol) => symbol.room === room && (names.includes(symbol.name) || names.includes('*')),
      );
      for (const symbol of used) symbol.users.add(user);
    }
  }
}

/** Repeats until nothing new is learnt: a part of a part has the whole's users as well. */
function inheritUsers(symbols: readonly Shared[]): void {
  for (let learnt = true; learnt;) {
    learnt = false;
    for (const part of symbols) {
      const mention = new RegExp(`\\b${part.name}\\b`);
      const wholes = symbols.filter(
        (whole) => whole !== part && whole.room === part.room && mention.test(whole.text),
      );
      const before = part.users.size;
      for (const user of wholes.flatMap((whole) => [...whole.users])) part.users.add(user);
      learnt ||= part.users.size > before;
    }
  }
}

export function homeless(tree: Tree): string[] {
  const declared = tree.filter(({ path }) => isShared(path) && !EXEMPT.has(path)).flatMap(declarations);
  const symbols = merged(declared);
  recordUsers(tree, symbols);
  inheritUsers(symbols);
  const lonely = symbols.filter((symbol) => symbol.users.size < ENOUGH && isPublic(tree, symbol));
  return lonely.map(
    ({ name, file, users }) =>
      `${name} (${file}): ${users.size === 0 ? 'nobody uses it' : `belongs to ${[...users].join()}`}`,
  );
}
