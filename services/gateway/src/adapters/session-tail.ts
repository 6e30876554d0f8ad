import type { LoggedEvent } from '@moltbot/shared/contracts';
import { isAfter } from '../domain/event-order.ts';
import type { RunListener } from '../domain/ports.ts';
import { createRunViews, startsRun, turnOf, type RunViews } from './run-views.ts';

export type ReadAfter = (after: string) => Promise<{ events: LoggedEvent[]; gap: boolean }>;

export type SessionTail = Readonly<{
  /** An event from the doorbell; what is missing before it is read from the stream. */
  take(event: LoggedEvent): void;
  /** A turn was accepted: its end must be heard even if every bell of it is lost. */
  expect(turnId: string): void;
  /** Looks for events whose bell was lost, where a run is live or expected; everywhere with `always`. */
  poll(always?: boolean): void;
  /** When the last run ended, ms; now while one is live. */
  restingSince(): number;
}>;

/** An end that has not been heard by then is no longer in the stream either. */
const EXPECTED_AT_MOST_MS = 60 * 60_000;

/**
 * One session's events, each once and in order, whatever the doorbell did. `endsAreRead`: an end, or an
 * injected message, is told only after `readAfter` has given it, which waits until a failover cannot take it back. Nothing is told of
 * runs before the first event heard, but their text is read, so that it can be continued.
 */
export function createTail(
  session: Readonly<{ sid: string; key: string }>,
  readAfter: ReadAfter,
  tell: RunListener,
  onError: (error: unknown) => void,
  endsAreRead = false,
): SessionTail {
  return new Tail(createRunViews(session), readAfter, tell, onError, endsAreRead);
}

class Tail implements SessionTail {
  readonly #runs: RunViews;
  readonly #readAfter: ReadAfter;
  readonly #tell: RunListener;
  readonly #onError: (error: unknown) => void;
  readonly #endsAreRead: boolean;
  /** Turn id -> since when its end is awaited, ms. */
  readonly #expected = new Map<string, number>();
  /** The last event that was read; undefined before the first. */
  #last: string | undefined;
  #lastEnded = '';
  #restedAtMs = Date.now();
  #waiting: LoggedEvent[] = [];
  #reading = false;

  constructor(
    runs: RunViews,
    readAfter: ReadAfter,
    tell: RunListener,
    onError: (error: unknown) => void,
    endsAreRead: boolean,
  ) {
    this.#runs = runs;
    this.#readAfter = readAfter;
    this.#tell = tell;
    this.#onError = onError;
    this.#endsAreRead = endsAreRead;
  }

  take(event: LoggedEvent): void {
    if (!this.#reading && this.#follows(event) && !this.#mustBeRead(event)) return this.#apply(event, false);
    if (this.#last !== undefined && !isAfter(event.id, this.#last)) return;
    this.#waiting.push(event);
    this.#read();
  }

  expect(turnId: string): void {
    if (turnId !== this.#lastEnded) this.#expected.set(turnId, Date.now());
  }

  poll(always = false): void {
    const tooOldMs = Date.now() - EXPECTED_AT_MOST_MS;
    for (const [turnId, sinceMs] of this.#expected) if (sinceMs < tooOldMs) this.#expected.delete(turnId);
    if (this.#live() || (always && this.#last !== undefined)) this.#read();
  }

  restingSince(): number {
    return this.#live() || this.#reading ? Date.now() : this.#restedAtMs;
  }

  #live(): boolean {
    return this.#runs.live() || this.#waiting.length + this.#expected.size > 0;
  }

  #follows(event: LoggedEvent): boolean {
    if (this.#last === undefined) return event.prev === '' || startsRun(event.e);
    return event.prev === this.#last && !this.#unknown(event);
  }

  #unknown({ e }: LoggedEvent): boolean {
    return !startsRun(e) && !this.#runs.has(turnOf(e));
  }

  #apply(event: LoggedEvent, silent: boolean): void {
    if (this.#last !== undefined && !isAfter(event.id, this.#last)) return;
    this.#last = event.id;
    const view = this.#runs.advance(event);
    if (!silent) this.#tell(event.e, view);
    if (event.e.t !== 'end') return;
    this.#expected.delete(event.e.tid);
    this.#lastEnded = event.e.tid;
    this.#restedAtMs = Date.now();
  }

  #read(): void {
    if (this.#reading) return;
    this.#reading = true;
    this.#catchUp().then(
      () => {
        this.#reading = false;
        if (this.#waiting.length > 0) this.#read();
      },
      (error: unknown) => {
        this.#reading = false; // what waits is looked at again with the next event or poll, not at once
        this.#onError(error);
      },
    );
  }

  async #catchUp(): Promise<void> {
    const heard = this.#waiting;
    this.#waiting = [];
    // @NOTE an unknown run may have begun before we listened: its text is rebuilt from the stream's beginning, told to nobody
    const heardFrom = this.#last ?? heard[0]?.prev ?? '';
    const rebuild = this.#last === undefined || heard.some((event) => this.#unknown(event));
    const news = this.#newsAfter(heardFrom, heard);
    try {
      const { events } = await this.#readAfter(rebuild ? '' : heardFrom);
      if (rebuild) this.#last = undefined; // not before the read: one that fails must leave the place where we are
      for (const event of events) this.#apply(event, rebuild && !news(event));
    } catch (error) {
      this.#waiting = [...heard, ...this.#waiting];
      throw error;
    }
    for (const event of heard) if (this.#stillStands(event)) this.#apply(event, false);
    this.#applyWaiting();
  }

  /** What the stream does not hold after a read, though its bell rang before, was taken back by a failover. */
  #stillStands(event: LoggedEvent): boolean {
    return !this.#endsAreRead || (this.#follows(event) && !this.#mustBeRead(event));
  }

  /**
   * What came during a read, as far as it follows; the rest waits for the next read.
   *
   * @NOTE a read may take seconds where replicas have to be waited for, and bells between may be lost
   */
  #applyWaiting(): void {
    const came = this.#waiting.filter((event) => this.#isNew(event));
    const end = came.findIndex((event) => {
      if (this.#mustBeRead(event) || !this.#follows(event)) return true;
      this.#apply(event, false);
      return false;
    });
    this.#waiting = end < 0 ? [] : came.slice(end);
  }

  #isNew({ id }: LoggedEvent): boolean {
    return this.#last === undefined || isAfter(id, this.#last);
  }

  #mustBeRead({ e }: LoggedEvent): boolean {
    return this.#endsAreRead && (e.t === 'end' || e.t === 'injected');
  }

  /** Without a bell there is no place to go on from: of what the stream holds only the expected is news. */
  #newsAfter(heardFrom: string, heard: readonly LoggedEvent[]): (event: LoggedEvent) => boolean {
    const blind = heardFrom === '' && heard[0]?.prev !== '';
    return ({ id, e }) => (blind ? this.#expected.has(turnOf(e)) : isAfter(id, heardFrom));
  }
}
