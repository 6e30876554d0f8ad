import JSON5 from 'json5';

type Place = Readonly<{ start: number; end: number }>;
export type Json5Member = Place & Readonly<{ name: string; value: Json5Node }>;
export type Json5Node = Place &
  Readonly<{ kind: 'scalar' } | { kind: 'array'; items: readonly Json5Node[] } | { kind: 'object'; members: readonly Json5Member[] }>;
export type Json5Text = Readonly<{ root: Json5Node; comments: readonly Place[] }>;

const SPACE = /\s*/y;
const COMMENT = /\/\/[^\n\r\u2028\u2029]*|\/\*[\s\S]*?\*\//y;
const STRING = /"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*'/y;
const BARE = /[^\s,:[\]{}"'/]+/y;

/**
 * Where every value of a JSON5 text stands, so that one can be changed without touching the comments
 * around it. The text must already have passed `parseJson5`: this reader finds places, not faults.
 */
export function readJson5Nodes(text: string): Json5Text {
  const comments: Place[] = [];
  let at = 0;

  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    at += found?.length ?? 0;
    return found;
  };
  const skip = (): void => {
    for (;;) {
      take(SPACE);
      const start = at;
      if (take(COMMENT) === undefined) return;
      comments.push({ start, end: at });
    }
  };
  const accept = (sign: string): boolean => {
    skip();
    if (text[at] !== sign) return false;
    at += 1;
    return true;
  };
  const scalar = (): string => {
    const found = take(STRING) ?? take(BARE);
    if (found === undefined) throw new Error(`no JSON5 value at ${at}`);
    return found;
  };
  const member = (): Json5Member => {
    skip();
    const start = at;
    const token = scalar();
    const name = /^["']/.test(token) ? JSON5.parse<string>(token) : Object.keys(JSON5.parse<object>(`{${token}:0}`))[0];
    if (!accept(':') || name === undefined) throw new Error(`no JSON5 member at ${start}`);
    const value = node();
    return { name, value, start, end: value.end };
  };
  const list = <T>(close: string, next: () => T): T[] => {
    const found: T[] = [];
    while (!accept(close)) {
      found.push(next());
      accept(',');
    }
    return found;
  };
  const node = (): Json5Node => {
    skip();
    const start = at;
    if (accept('{')) return { kind: 'object', members: list('}', member), start, end: at };
    if (accept('[')) return { kind: 'array', items: list(']', node), start, end: at };
    scalar();
    return { kind: 'scalar', start, end: at };
  };

  const root = node();
  skip();
  return { root, comments };
}

export type Json5Leaf = Place & Readonly<{ path: readonly string[] }>;

/** Every string, number, boolean and null with its path. */
export function json5Leaves(node: Json5Node, path: readonly string[] = []): Json5Leaf[] {
  if (node.kind === 'object') return node.members.flatMap(({ name, value }) => json5Leaves(value, [...path, name]));
  if (node.kind === 'array') return node.items.flatMap((item, index) => json5Leaves(item, [...path, String(index)]));
  return [{ path, start: node.start, end: node.end }];
}

/** Replaces places of a text, last first, so that the earlier ones stay where they are. */
export function replacePlaces(text: string, changes: readonly (Place & Readonly<{ by: string }>)[]): string {
  return changes
    .toSorted((a, b) => b.start - a.start)
    .reduce((changed, { start, end, by }) => changed.slice(0, start) + by + changed.slice(end), text);
}
