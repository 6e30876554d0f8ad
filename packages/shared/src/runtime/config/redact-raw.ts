import { REDACTED, type ConfigIssue } from '../../contracts/index.ts';
import { json5Leaves, readJson5Nodes, replacePlaces } from './json5-nodes.ts';
import { parseJson5 } from './parse.ts';
import { getAt } from './path.ts';
import { restoreRedacted } from './redaction.ts';
import { isReference, isSecret } from './secrets.ts';

/** `name: "value"` as it stands in a comment, or in a file that is not JSON5. */
const ASSIGNMENT = /(["']?)([\w-]+)\1(\s*[:=]\s*)(["'])(.*?)\4/g;

function redactAssignments(text: string): string {
  return text.replace(
    ASSIGNMENT,
    (whole: string, mark: string, name: string, sign: string, quote: string, value: string) =>
      isSecret([name], value) && !isReference(value)
        ? `${mark}${name}${mark}${sign}${quote}${REDACTED}${quote}`
        : whole,
  );
}

/** The text with its comments, every secret literal replaced; those in comments and in broken files too. */
export function redactRaw(raw: string): string {
  try {
    const tree = parseJson5(raw);
    const { root, comments } = readJson5Nodes(raw);
    const secrets = json5Leaves(root).filter(({ path }) => {
      const value = getAt(tree, path);
      return typeof value === 'string' && isSecret(path, value) && !isReference(value);
    });
    return replacePlaces(raw, [
      ...secrets.map((place) => ({ ...place, by: JSON.stringify(REDACTED) })),
      ...comments.map((place) => ({ ...place, by: redactAssignments(raw.slice(place.start, place.end)) })),
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
