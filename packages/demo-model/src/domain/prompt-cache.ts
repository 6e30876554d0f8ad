import { createHash } from 'node:crypto';
import { inputTokens } from './tokens.ts';

/** A cacheable stretch of the prompt, in the order the model reads it. */
export type PromptBlock = Readonly<{ text: string; characters: number; marked: boolean }>;
export type PromptUsage = Readonly<{ fresh: number; created: number; read: number }>;

const LIFETIME_MS = 5 * 60_000;
const MAX_PREFIXES = 2_000;

/**
 * Which prompt prefixes have been seen, as the real API accounts for them: a marked
 * block ends a prefix that is stored, and any stored prefix up to the last mark is read.
 *
 * @NOTE the real one ignores prefixes under about 1,000 tokens; this one does not, so
 * that a short test can see its effect.
 */
export class PromptCache {
  readonly #expiresAtMs = new Map<string, number>();

  account(blocks: readonly PromptBlock[], nowMs: number): PromptUsage {
    const characters = blocks.reduce((sum, block) => sum + block.characters, 0);
    const lastMark = blocks.findLastIndex((block) => block.marked);
    if (lastMark < 0) return { fresh: inputTokens(characters), created: 0, read: 0 };

    const hash = createHash('sha256');
    let [seen, read, stored] = [0, 0, 0];
    for (const block of blocks.slice(0, lastMark + 1)) {
      hash.update(block.text).update('\0');
      seen += block.characters;
      const key = hash.copy().digest('base64');
      if ((this.#expiresAtMs.get(key) ?? 0) > nowMs) read = inputTokens(seen);
      if (block.marked) {
        this.#store(key, nowMs + LIFETIME_MS);
        stored = inputTokens(seen);
      }
    }
    return { fresh: inputTokens(characters) - stored, created: stored - read, read };
  }

  #store(key: string, expiresAtMs: number): void {
    this.#expiresAtMs.delete(key);
    this.#expiresAtMs.set(key, expiresAtMs);
    if (this.#expiresAtMs.size <= MAX_PREFIXES) return;
    const oldest = this.#expiresAtMs.keys().next().value;
    if (oldest !== undefined) this.#expiresAtMs.delete(oldest);
  }
}
