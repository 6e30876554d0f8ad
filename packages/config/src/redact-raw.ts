import type { ConfigIssue } from '@moltbot/shared/contracts';
import { json5Leaves, readJson5Nodes, replacePlaces, type Json5Leaf, type Json5Node } from './json5-nodes.ts';
import { parseJson5 } from './parse.ts';
import { getAt } from './path.ts';
import { REDACTED, restoreRedacted } from './redaction.ts';
import { isReference, isSecret } from './secrets.ts';

/** `name: "value"` and `NAME=value`, as they stand in a comment or in a file that is not JSON5. */
const QUOTED = /(["']?)([\w-]+)\1(\s*[:=]\s*)(["'])(.*?)\4/g;
const BARE = /\b([\w-]+)=([^\s"'`]+)/g;
/** Shorter values would be found inside ordinary words. */
const SHORTEST_REPEATED = 8;

const hidden = (name: string, value: string): boolean => isSecret([name], value) && !isReference(value);

function redactAssignments(text: string): string {
  return text
    .replace(
      QUOTED,
      (whole: string, mark: string, name: string, sign: string, quote: string, value: string) =>
        hidden(name, value) ? `${mark}${name}${mark}${sign}${quote}${REDACTED}${quote}` : whole,
    )
    .replace(BARE, (whole: string, name: string, value: string) =>
      hidden(name, value) ? `${name}=${REDACTED}` : whole,
    );
}

function secretsOf(raw: string, root: Json5Node): (Json5Leaf & { value: string })[] {
  const tree = parseJson5(raw);
  return json5Leaves(root).flatMap((leaf) => {
    const value = getAt(tree, leaf.path);
    return typeof value === 'string' && isSecret(leaf.path, value) && !isReference(value)
      ? [{ ...leaf, value }]
      : [];
  });
}

/** The text with its comments, every secret literal replaced; those in comments and in broken files too. */
export function redactRaw(raw: string): string {
  try {
    const { root, comments } = readJson5Nodes(raw);
    const secrets = secretsOf(raw, root);
    const repeated = secrets.map(({ value }) => value).filter((value) => value.length >= SHORTEST_REPEATED);
    const redactComment = (text: string): string =>
      repeated.reduce((shown, value) => shown.replaceAll(value, REDACTED), redactAssignments(text));
    return replacePlaces(raw, [
      ...secrets.map(({ start, end }) => ({ start, end, by: JSON.stringify(REDACTED) })),
      ...comments.map(({ start, end }) => ({ start, end, by: redactComment(raw.slice(start, end)) })),
    ]);
  } catch {
    return redactAssignments(raw);
  }
}

/** The text as it must be stored: each sentinel replaced by the stored literal at its place. */
export function restoreRaw(raw: string, previous: unknown): { raw: string; issues: readonly ConfigIssue[] } {
  const written = parseJson5(raw);
  const { tree, issues } = restoreRedacted(written, previous);
  const sent = json5Leaves(readJson5Nodes(raw).root).filter(({ path }) => {
    const value = getAt(written, path);
    return typeof value === 'string' && value.includes(REDACTED);
  });
  return {
    raw: replacePlaces(
      raw,
      sent.map((place) => ({ ...place, by: JSON.stringify(getAt(tree, place.path)) })),
    ),
    issues,
  };
}
