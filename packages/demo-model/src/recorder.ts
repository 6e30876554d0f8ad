import type { IncomingHttpHeaders } from 'node:http';

/** How the demo model saw a call end: `aborted` means the caller left first. */
export type Outcome = 'open' | 'finished' | 'aborted';

export type RecordedRequest = Readonly<{
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: unknown;
  receivedAtMs: number;
  /** Lives on: `open` until the answer ends. */
  outcome: Outcome;
}>;

const MAX_RECORDS = 1_000;

/** The latest requests, oldest first. */
export class Recorder {
  readonly #enabled: boolean;
  #records: RecordedRequest[] = [];

  constructor(enabled: boolean) {
    this.#enabled = enabled;
  }

  /** Returns what to call with the outcome. */
  add(request: Omit<RecordedRequest, 'outcome'>): (outcome: Outcome) => void {
    if (!this.#enabled) return () => undefined;
    const record = { ...request, outcome: 'open' as Outcome };
    this.#records.push(record);
    if (this.#records.length > MAX_RECORDS) this.#records.shift();
    return (outcome) => void (record.outcome = outcome);
  }

  list(): readonly RecordedRequest[] {
    return [...this.#records];
  }

  clear(): void {
    this.#records = [];
  }
}
