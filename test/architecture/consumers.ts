/**
 * Who uses what `packages/shared` exports. A symbol with one user belongs in that user's home.
 *
 * A symbol that another exported symbol of its room is made of (a part of a schema, the type of an
 * argument) has that symbol's users too: they meet it without naming it.
 */
import { importsOf, resolved } from './imports.ts';
import { isShared, roomOf } from './shared-rooms.ts';
import { isGenerated, isProduct, workspaceOf, type SourceFile, type Tree } from './tree.ts';

type Shared = {
  name: string;
  room: string;
  file: string;
  text: string;
  exported: boolean;
  users: Set<string>;
};

/** Key names are born in one file, however few use them: that is their rule. */
const EXEMPT = new Set(['packages/shared/src/redis/keys.ts']);
const ENOUGH = 2;

const DECLARATION =
  /^(export )?(?:declare |abstract |async )*(?:const|function\*?|class|type|interface) (\w+)/;
const AT_STATEMENTS = /^(?=(?:export|const|async|function|abstract|class|type|interface) )/m;

function declarations(file: SourceFile): Shared[] {
  return file.text.split(AT_STATEMENTS).flatMap((text) => {
    const [, exported, name] = DECLARATION.exec(text) ?? [];
    if (name === undefined) return [];
    return [
      {
        name,
        room: roomOf(file.path),
        file: file.path,
        text,
        exported: exported !== undefined,
        users: new Set<string>(),
      },
    ];
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

function isPublic(tree: Tree, symbol: Shared): boolean {
  const indexes = tree.filter(
    ({ path }) => isShared(path) && roomOf(path) === symbol.room && path.endsWith('/index.ts'),
  );
  if (!symbol.exported) return false;
  const leaf = symbol.file.split('/').at(-1) ?? '';
  const doors = indexes.flatMap(importsOf).filter(({ specifier }) => specifier.endsWith(`/${leaf}`));
  return doors.some(({ names }) => names.includes('*') || names.includes(symbol.name));
}

/** The room an import enters from outside it, by its door or, inside shared, by path. */
function enteredRoom(file: SourceFile, specifier: string): string | undefined {
  const path = resolved(file, specifier);
  if (path === undefined) return /^@moltbot\/shared\/(\w+)$/.exec(specifier)?.[1];
  const outside = isShared(path) && !(isShared(file.path) && roomOf(path) === roomOf(file.path));
  return outside ? roomOf(path) : undefined;
}

function recordUsers(tree: Tree, symbols: readonly Shared[]): void {
  for (const file of tree.filter(({ path }) => isProduct(path) || isGenerated(path))) {
    const user = isShared(file.path) ? `shared/${roomOf(file.path)}` : workspaceOf(file.path);
    for (const { specifier, names } of importsOf(file)) {
      const room = enteredRoom(file, specifier);
      const used = symbols.filter(({ name }) => names.includes(name) || names.includes('*'));
      for (const symbol of used) if (symbol.room === room) symbol.users.add(user);
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
