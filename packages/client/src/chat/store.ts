import type { ChatSnapshot } from './types.ts';

/** An immutable snapshot and those who want to know when it changes. */
export class Store {
  #snapshot: ChatSnapshot;
  readonly #listeners = new Set<() => void>();

  constructor(sessionKey: string) {
    this.#snapshot = { sessionKey, messages: [], runs: [], loading: 'initial', hasMore: false };
  }

  readonly getSnapshot = (): ChatSnapshot => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  update(change: (snapshot: ChatSnapshot) => ChatSnapshot): void {
    const next = change(this.#snapshot);
    if (next === this.#snapshot) return;
    this.#snapshot = next;
    for (const listener of [...this.#listeners]) listener();
  }
}
