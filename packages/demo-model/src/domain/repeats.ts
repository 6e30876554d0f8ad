const MAX_TEXTS = 1_000;

/** How often each text has been sent, so that a fault can spoil its first tries only. */
export class RepeatCounter {
  readonly #counts = new Map<string, number>();

  count(text: string): number {
    const count = (this.#counts.get(text) ?? 0) + 1;
    this.#counts.delete(text);
    this.#counts.set(text, count);
    const oldest = this.#counts.keys().next().value;
    if (this.#counts.size > MAX_TEXTS && oldest !== undefined) this.#counts.delete(oldest);
    return count;
  }
}
