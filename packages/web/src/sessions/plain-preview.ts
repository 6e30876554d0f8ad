const LINK = /\[([^\]]*)\]\([^)]*\)/g;
const FENCE = /```\w*/g;
const LINE_START = /^\s*(?:#{1,6}|>|[-*+]|\d+\.)\s+/gm;
const TABLE = /:?-{3,}:?|\|/g;
/** Only in pairs around words, so that `2 * 3` and `snake_case` stay as they are. */
const EMPHASIS = /(\*\*|__|\*|`)(?=\S)(.+?)(?<=\S)\1/g;

/** Markdown marks say nothing in one line of a list. */
export function plainPreview(markdown: string): string {
  const words = markdown
    .replaceAll(LINK, '$1')
    .replaceAll(FENCE, ' ')
    .replaceAll(LINE_START, '')
    .replaceAll(TABLE, ' ');
  return words.replaceAll(EMPHASIS, '$2').replaceAll(EMPHASIS, '$2').replaceAll(/\s+/g, ' ').trim();
}
