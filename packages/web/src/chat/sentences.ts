/** After a full stop, question mark, exclamation mark or line end, in Latin and Chinese writing. */
const SENTENCE_END = /[.!?。！？…](?=\s|$|["”’」』])|[。！？]|\n/g;

/**
 * What of `text` comes after the first `heard` characters and may be read aloud:
 * everything once the text is whole, else up to the last finished sentence.
 */
export function newSentences(text: string, heard: number, isWhole: boolean): string {
  const rest = text.slice(heard);
  if (isWhole) return rest;
  let end = 0;
  for (const match of rest.matchAll(SENTENCE_END)) end = match.index + match[0].length;
  return rest.slice(0, end);
}
