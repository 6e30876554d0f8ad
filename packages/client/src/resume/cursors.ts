import { isLater, readCursor, type Cursor } from '@moltbot/shared/contracts';

/** A reset session may still be told the end of the generation before. */
const GENERATIONS = 4;

/** How far each generation of one session has been heard; the newest generation last. */
export class Cursors {
  readonly #seen = new Map<string, Readonly<{ text: string; cursor: Cursor }>>();

  /** Where to go on from; undefined before the first frame that says where it stands. */
  get newest(): string | undefined {
    return [...this.#seen.values()].at(-1)?.text;
  }

  /** Whether a frame is news. One without a cursor, of an older server, always is. */
  take(text: unknown): boolean {
    const cursor = typeof text === 'string' ? readCursor(text) : undefined;
    if (typeof text !== 'string' || cursor === undefined) return true;
    const seen = this.#seen.get(cursor.sid);
    if (seen && !isLater(cursor, seen.cursor)) return false;
    this.#set(cursor, text);
    return true;
  }

  /** The server says where the session stands, which may be before what we saw if it has lost something. */
  goTo(text: string): void {
    const cursor = readCursor(text);
    if (cursor === undefined) return this.clear();
    this.#seen.delete(cursor.sid); // it is the newest generation
    this.#set(cursor, text);
  }

  clear(): void {
    this.#seen.clear();
  }

  #set(cursor: Cursor, text: string): void {
    this.#seen.set(cursor.sid, { text, cursor });
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > GENERATIONS && oldest !== undefined) this.#seen.delete(oldest);
  }
}
