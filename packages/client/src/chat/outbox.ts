import { backoffMs } from '../backoff.ts';
import type { MoltbotClient } from '../client.ts';
import { LOCAL_CODES, RequestError } from '../request-error.ts';
import type { ChatAttachment } from './types.ts';

const MAX_REFUSALS = 6;
const SEND_TIMEOUT_MS = 60_000;

type SendParams = Readonly<{
  sessionKey: string;
  message: string;
  idempotencyKey: string;
  deliver: false;
  attachments?: readonly ChatAttachment[];
}>;
type Entry = {
  readonly params: SendParams;
  acknowledged: boolean;
  asking: boolean;
  failed: boolean;
  refusals: number;
};

export type OutboxEvents = Readonly<{
  accepted(runId: string): void;
  /** The server has already finished the run, or the message was a command that makes none. */
  settled(runId: string): void;
  failed(runId: string, error: RequestError): void;
}>;

/**
 * What was said and is not finished, in order. A message is sent again, unchanged, under
 * its idempotency key until the server answers; the next waits for it, so that a
 * conversation never arrives in another order than it was written.
 */
export class Outbox {
  readonly #client: MoltbotClient;
  readonly #on: OutboxEvents;
  readonly #entries = new Map<string, Entry>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(client: MoltbotClient, on: OutboxEvents) {
    this.#client = client;
    this.#on = on;
  }

  add(params: SendParams): void {
    this.#entries.set(params.idempotencyKey, {
      params,
      acknowledged: false,
      asking: false,
      failed: false,
      refusals: 0,
    });
    this.#pump();
  }

  has(runId: string): boolean {
    return this.#entries.has(runId);
  }

  /** Asks again about a message that failed: same key, so it still makes one run. */
  retry(runId: string): boolean {
    const entry = this.#entries.get(runId);
    if (!entry?.failed) return false;
    Object.assign(entry, { failed: false, refusals: 0 });
    this.#pump();
    return true;
  }

  remove(runId: string): void {
    this.#entries.delete(runId);
    this.#pump();
  }

  /**
   * After a reconnect: an accepted run may have ended meanwhile, and asking under the same
   * key tells, because the server keeps it for a day.
   */
  resume(): void {
    for (const entry of this.#entries.values()) if (entry.acknowledged) void this.#ask(entry);
    this.#pump();
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#entries.clear();
  }

  #pump(): void {
    const next = [...this.#entries.values()].find((entry) => !entry.acknowledged && !entry.failed);
    if (next) void this.#ask(next);
  }

  async #ask(entry: Entry): Promise<void> {
    if (entry.asking) return;
    entry.asking = true;
    try {
      const answer = await this.#client.request<{ status?: string } | null>('chat.send', entry.params, {
        timeoutMs: SEND_TIMEOUT_MS,
      });
      entry.asking = false;
      this.#answered(entry, answer?.status);
    } catch (error) {
      entry.asking = false;
      this.#refused(
        entry,
        error instanceof RequestError
          ? error
          : new RequestError({ code: 'INTERNAL', message: String(error) }),
      );
    }
  }

  #answered(entry: Entry, status: string | undefined): void {
    const runId = entry.params.idempotencyKey;
    if (!this.#isCurrent(entry)) return;
    if (status === 'started' || status === 'in_flight') {
      entry.acknowledged = true;
      this.#on.accepted(runId);
    } else {
      this.#entries.delete(runId);
      this.#on.settled(runId);
    }
    this.#pump();
  }

  #refused(entry: Entry, error: RequestError): void {
    if (!this.#isCurrent(entry)) return;
    // The next hello resumes both cases.
    if (error.code === LOCAL_CODES.disconnected || error.code === LOCAL_CODES.closed) return;
    entry.refusals += 1;
    if (error.retryable && entry.refusals < MAX_REFUSALS) {
      this.#later(error.retryAfterMs ?? backoffMs(entry.refusals), () => void this.#ask(entry));
      return;
    }
    const runId = entry.params.idempotencyKey;
    if (entry.acknowledged) {
      // It was accepted once, so this is how the run ended; the history holds the message.
      this.#entries.delete(runId);
      this.#on.settled(runId);
    } else {
      entry.failed = true;
      this.#on.failed(runId, error);
    }
    this.#pump();
  }

  #isCurrent(entry: Entry): boolean {
    return this.#entries.get(entry.params.idempotencyKey) === entry;
  }

  #later(delayMs: number, task: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      task();
    }, delayMs);
    this.#timers.add(timer);
  }
}
