export type Listener<T> = (value: T) => void;

/** Listeners per event name. One that throws does not keep the others from hearing. */
export class Emitter<Events extends Record<string, unknown>> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();

  on<K extends keyof Events>(event: K, listener: Listener<Events[K]>): () => void {
    const known = this.#listeners.get(event) ?? new Set<Listener<never>>();
    this.#listeners.set(event, known);
    known.add(listener);
    return () => void known.delete(listener);
  }

  emit<K extends keyof Events>(event: K, value: Events[K]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      try {
        (listener as Listener<Events[K]>)(value);
      } catch (error) {
        // Reported as uncaught, so that a fault in a view cannot stop the protocol.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
