import JSON5 from 'json5';

type Place = Readonly<{ start: number; end: number }>;
export type Json5Member = Place & Readonly<{ name: string; value: Json5Node }>;
export type Json5Node = Place &
  Readonly<
    | { kind: 'scalar' }
    | { kind: 'array'; items: readonly Json5Node[] }
    | { kind: 'object'; members: readonly Json5Member[] }
  >;
export type Json5Text = Readonly<{ root: Json5Node; comments: readonly Place[] }>;

const SPACE = /\s*/y;
const COMMENT = /\/\/[^\n\r\u2028\u2029]*|\/\*[\s\S]*?\*\//y;
const STRING = /"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*'/y;
const BARE = /[^\s,:[\]{}"'/]+/y;

class Json5Reader {
  readonly comments: Place[] = [];
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  skip(): void {
    for (;;) {
      this.#take(SPACE);
      const start = this.#at;
      if (this.#take(COMMENT) === undefined) return;
      this.comments.push({ start, end: this.#at });
    }
  }

  #accept(sign: string): boolean {
    this.skip();
    if (this.#text[this.#at] !== sign) return false;
    this.#at += 1;
    return true;
  }

  #scalar(): string {
    const found = this.#take(STRING) ?? this.#take(BARE);
    if (found === undefined) throw new Error(`no JSON5 value at ${this.#at}`);
    return found;
  }

  #member(): Json5Member {
    this.skip();
    const start = this.#at;
    const token = this.#scalar();
    const [name] = Object.keys(JSON5.parse<object>(`{${token}:0}`));
    if (!this.#accept(':') || name === undefined) throw new Error(`no JSON5 member at ${start}`);
    const value = this.node();
    return { name, value, start, end: value.end };
  }

  #list<T>(close: string, next: () => T): T[] {
    const found: T[] = [];
    while (!this.#accept(close)) {
      found.push(next());
      this.#accept(',');
    }
    return found;
  }

  node(): Json5Node {
    this.skip();
    const start = this.#at;
    if (this.#accept('{')) {
      const members = this.#list('}', () => this.#member());
      return { kind: 'object', members, start, end: this.#at };
    }
    if (this.#accept('[')) {
      const items = this.#list(']', () => this.node());
      return { kind: 'array', items, start, end: this.#at };
    }
    this.#scalar();
    return { kind: 'scalar', start, end: this.#at };
  }
}

/**
 * Where every value of a JSON5 text stands, so that one can be changed without touching the comments
 * around it. The text must already have passed `parseJson5`: this reader finds places, not faults.
 */
export function readJson5Nodes(text: string): Json5Text {
  const reader = new Json5Reader(text);
  const root = reader.node();
  reader.skip();
  return { root, comments: reader.comments };
}

export type Json5Leaf = Place & Readonly<{ path: readonly string[] }>;

/** Every string, number, boolean and null with its path. */
export function json5Leaves(node: Json5Node, path: readonly string[] = []): Json5Leaf[] {
  if (node.kind === 'object')
    return node.members.flatMap(({ name, value }) => json5Leaves(value, [...path, name]));
  if (node.kind === 'array')
    return node.items.flatMap((item, index) => json5Leaves(item, [...path, String(index)]));
  return [{ path, start: node.start, end: node.end }];
}

/** Replaces places of a text, last first, so that the earlier ones stay where they are. */
export function replacePlaces(text: string, changes: readonly (Place & Readonly<{ by: string }>)[]): string {
  return changes
    .toSorted((a, b) => b.start - a.start)
    .reduce((changed, { start, end, by }) => changed.slice(0, start) + by + changed.slice(end), text);
}
