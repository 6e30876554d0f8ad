import type { EventFrame } from '@moltbot/shared/contracts';
import type { MoltbotClient } from '@moltbot/client';
import { SessionsListed, toRow } from './rows.ts';
import type { ModelRef, SessionRow } from './rows.ts';

const LIST_LIMIT = 200;
const SETTLE_MS = 250;

export type SessionListSnapshot = Readonly<{
  rows: readonly SessionRow[];
  defaultModel: ModelRef;
  search: string;
  loading: boolean;
  failed: boolean;
  /** When the rows were read: what counts as today is judged by it. */
  readAtMs: number;
}>;

/** The server's list of this user's sessions, read again whenever a turn begins or ends. */
export class SessionList {
  readonly #client: MoltbotClient;
  readonly #listeners = new Set<() => void>();
  readonly #unlisten: readonly (() => void)[];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #reads = 0;
  #snapshot: SessionListSnapshot = {
    rows: [],
    defaultModel: { provider: undefined, id: undefined },
    search: '',
    loading: true,
    failed: false,
    readAtMs: Date.now(),
  };

  constructor(client: MoltbotClient) {
    this.#client = client;
    this.#unlisten = [
      client.on('hello', () => void this.refresh()),
      client.on('event', (frame) => {
        if (changesTheList(frame)) this.refreshSoon();
      }),
    ];
  }

  readonly getSnapshot = (): SessionListSnapshot => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  search(text: string): void {
    this.#set({ search: text, loading: true });
    this.refreshSoon();
  }

  refreshSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.refresh(), SETTLE_MS);
  }

  async refresh(): Promise<void> {
    const read = ++this.#reads;
    const search = this.#snapshot.search.trim();
    try {
      const raw = await this.#client.request('sessions.list', {
        limit: LIST_LIMIT,
        includeGlobal: false,
        includeUnknown: false,
        includeDerivedTitles: true,
        includeLastMessage: true,
        ...(search !== '' && { search }),
      });
      const { sessions, defaults } = SessionsListed.parse(raw);
      const defaultModel = {
        provider: defaults?.modelProvider ?? undefined,
        id: defaults?.model ?? undefined,
      };
      // An older read may come back after a newer one; only the newest counts.
      if (read === this.#reads)
        this.#set({
          rows: sessions.map(toRow),
          defaultModel,
          readAtMs: Date.now(),
          loading: false,
          failed: false,
        });
    } catch {
      if (read === this.#reads) this.#set({ loading: false, failed: true });
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const unlisten of this.#unlisten) unlisten();
  }

  #set(change: Partial<SessionListSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...change };
    for (const listener of [...this.#listeners]) listener();
  }
}

function changesTheList(frame: EventFrame): boolean {
  const payload = (frame.payload ?? {}) as { state?: unknown; stream?: unknown; data?: { phase?: unknown } };
  if (frame.event === 'chat') return payload.state !== 'delta' && payload.state !== 'status';
  return frame.event === 'agent' && payload.stream === 'lifecycle' && payload.data?.phase === 'start';
}
