import { isDeepStrictEqual } from 'node:util';
import type { ConfigTree } from '@moltbot/shared/contracts';
import { readJson5Nodes, replacePlaces, type Json5Member, type Json5Node } from './json5-nodes.ts';
import { createMergePatch, mergePatch } from './merge.ts';
import { parseJson5 } from './parse.ts';
import { isTree, type ConfigPath } from './path.ts';

type Change = Readonly<{ start: number; end: number; by: string }>;
type ObjectNode = Extract<Json5Node, { kind: 'object' }>;

const REST_OF_LINE = /[ \t]*(?:\/\/[^\n\r]*|\/\*[^\n\r]*?\*\/)?[ \t]*(?=\r?\n)/y;
const COMMA = /(?:\s|\/\/[^\n\r]*|\/\*[\s\S]*?\*\/)*,/y;

function matchAt(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

function indentAt(text: string, at: number): string {
  const line = text.slice(text.lastIndexOf('\n', at - 1) + 1, at);
  return /^[ \t]*/.exec(line)?.[0] ?? '';
}

function written(value: unknown, indent: string): string {
  return JSON.stringify(value, null, 2).replaceAll('\n', `\n${indent}`);
}

/** Names look like the others of the file: bare where they may, unless the file quotes them. */
function writtenName(text: string, root: Json5Node, name: string): string {
  const first = root.kind === 'object' ? root.members[0] : undefined;
  const quoted = first !== undefined && /["']/.test(text[first.start] ?? '');
  return quoted || !/^[A-Za-z_$][\w$]*$/.test(name) ? JSON.stringify(name) : name;
}

/** After the last member and the comment behind it, each on a line of its own if the members are. */
function append(text: string, last: Json5Member, member: string, lineBreak: string | undefined): Change[] {
  const comma = matchAt(COMMA, text, last.end);
  const place = comma ?? last.end;
  const line = lineBreak === undefined ? place : (matchAt(REST_OF_LINE, text, place) ?? place);
  const by = `${lineBreak ?? ' '}${member}`;
  if (comma !== undefined) return [{ start: line, end: line, by: `${by},` }];
  if (line === last.end) return [{ start: line, end: line, by: `,${by}` }];
  return [
    { start: last.end, end: last.end, by: ',' },
    { start: line, end: line, by },
  ];
}

function insertion(
  text: string,
  root: Json5Node,
  object: ObjectNode,
  name: string,
  value: unknown,
): Change[] {
  const outer = indentAt(text, object.start);
  const last = object.members.at(-1);
  const inline = last !== undefined && !text.slice(object.start, object.end).includes('\n');
  const indent = last ? indentAt(text, last.start) : `${outer}  `;
  const member = `${writtenName(text, root, name)}: ${written(value, inline ? outer : indent)}`;
  if (last) return append(text, last, member, inline ? undefined : `\n${indent}`);
  const start = object.start + 1;
  const end = /^\s*\}/.test(text.slice(start)) ? object.end - 1 : start;
  return [{ start, end, by: `\n${indent}${member}\n${outer}` }];
}

function deletion(text: string, object: ObjectNode, member: Json5Member): Change[] {
  const comma = matchAt(COMMA, text, member.end);
  const whole = { start: member.start, end: comma ?? member.end };
  const lineStart = text.lastIndexOf('\n', whole.start - 1) + 1;
  const lineEnd = matchAt(REST_OF_LINE, text, whole.end);
  const ownLines = lineEnd !== undefined && /^\s*$/.test(text.slice(lineStart, whole.start));
  const place = ownLines
    ? { start: lineStart, end: text.indexOf('\n', lineEnd) + 1, by: '' }
    : { ...whole, by: '' };
  const before = object.members[object.members.indexOf(member) - 1];
  const orphan = comma === undefined && before ? matchAt(COMMA, text, before.end) : undefined;
  return orphan === undefined ? [place] : [place, { start: orphan - 1, end: orphan, by: '' }];
}

function findMember(object: ObjectNode, name: string): Json5Member | undefined {
  return object.members.findLast((member) => member.name === name);
}

/** One change; the text is read anew for the next, because commas depend on the neighbours that are left. */
function editOne(text: string, path: ConfigPath, value: unknown): string {
  const { root } = readJson5Nodes(text);
  let node = root;
  for (const name of path.slice(0, -1)) {
    const next = node.kind === 'object' ? findMember(node, name) : undefined;
    if (!next) throw new Error(`no place for ${name}`);
    node = next.value;
  }
  const name = path.at(-1) ?? '';
  if (node.kind !== 'object') throw new Error(`no object around ${name}`);
  const member = findMember(node, name);
  if (!member) return replacePlaces(text, insertion(text, root, node, name, value));
  if (value === null) return replacePlaces(text, deletion(text, node, member));
  return replacePlaces(text, [{ ...member.value, by: written(value, indentAt(text, member.start)) }]);
}

function steps(
  before: unknown,
  patch: ConfigTree,
  path: ConfigPath = [],
): (readonly [ConfigPath, unknown])[] {
  return Object.entries(patch).flatMap(([name, value]) => {
    const old = isTree(before) && Object.hasOwn(before, name) ? before[name] : undefined;
    if (isTree(old) && isTree(value)) return steps(old, value, [...path, name]);
    return [[[...path, name], value === null ? null : mergePatch(undefined, value)] as const];
  });
}

/**
 * The text of `next`, with the comments and the layout of `raw` wherever it did not change. Undefined when
 * the text cannot be edited into exactly `next`: a key written twice, for example.
 */
export function editJson5(raw: string, next: ConfigTree): string | undefined {
  try {
    const before = parseJson5(raw);
    if (!isTree(before)) return undefined;
    const changes = steps(before, createMergePatch(before, next));
    const edited = changes.reduce((text, [path, value]) => editOne(text, path, value), raw);
    return isDeepStrictEqual(parseJson5(edited), next) ? edited : undefined;
  } catch {
    return undefined;
  }
}

/** The edited text, or plain JSON when there is nothing to edit. */
export function rewriteJson5(raw: string | null, next: ConfigTree): string {
  const edited = raw === null ? undefined : editJson5(raw, next);
  return edited ?? `${JSON.stringify(next, null, 2)}\n`;
}
