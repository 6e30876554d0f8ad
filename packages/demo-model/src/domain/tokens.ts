const CHARACTERS_PER_TOKEN = 4;
const IMAGE_BYTES_PER_TOKEN = 750;
const MAX_IMAGE_TOKENS = 1_600;

/** A word with the white space before it, one Han character, or what is left. */
const PIECE = /\s*[\p{Script=Han}。，：；！？“”、]|\s*[^\s\p{Script=Han}。，：；！？“”、]{1,12}|\s+/gu;

export function inputTokens(characters: number): number {
  return Math.ceil(characters / CHARACTERS_PER_TOKEN);
}

export function imageTokens(sizeBytes: number): number {
  return Math.min(MAX_IMAGE_TOKENS, Math.max(1, Math.ceil(sizeBytes / IMAGE_BYTES_PER_TOKEN)));
}

/** One piece is one output token, one delta on the wire and one step of every fault. */
export function splitTokens(text: string): string[] {
  return text.match(PIECE) ?? [];
}
