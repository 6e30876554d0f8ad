import { WireMessage } from '@moltbot/shared/contracts';
import type { MoltbotClient } from '../client.ts';
import { RequestError } from '../request-error.ts';
import { applyPage, fromWire } from './messages.ts';
import type { Store } from './store.ts';
import type { ChatMessage } from './types.ts';

const PAGE_SIZE = 100;

type HistoryResult = { messages?: unknown[]; hasMore?: boolean; sessionId?: string; thinkingLevel?: string };
type Page = Readonly<{
  messages: ChatMessage[];
  hasMore: boolean;
  sessionId?: string;
  thinkingLevel?: string;
}>;

/** Loads pages of one session's history into a store; one load of a kind at a time. */
export class History {
  readonly #client: MoltbotClient;
  readonly #store: Store;
  #refreshing: Promise<void> | undefined;
  #again = false;
  /** Runs that are over; what they said is in a page that is asked for from now on. */
  readonly #over = new Set<string>();
  #loadingOlder: Promise<void> | undefined;

  constructor(client: MoltbotClient, store: Store) {
    this.#client = client;
    this.#store = store;
  }

  /** The newest page. A wish that comes during a load makes one more load after it. */
  refresh(): Promise<void> {
    if (this.#refreshing) {
      this.#again = true;
      return this.#refreshing;
    }
    this.#refreshing = this.#refreshAll();
    return this.#refreshing;
  }

  /** The run goes when the history comes, not before: its text must not vanish in between. */
  retire(runId: string): void {
    this.#over.add(runId);
  }

  /** It goes on after all. */
  keep(runId: string): void {
    this.#over.delete(runId);
  }

  loadOlder(): Promise<void> {
    this.#loadingOlder ??= this.#older().finally(() => (this.#loadingOlder = undefined));
    return this.#loadingOlder;
  }

  async #refreshAll(): Promise<void> {
    try {
      do {
        this.#again = false;
        await this.#refreshOnce();
      } while (this.#again);
    } finally {
      this.#refreshing = undefined; // in the same step as the last look at `again`, or a wish between them is lost
    }
  }

  async #refreshOnce(): Promise<void> {
    this.#store.update((s) => (s.loading === 'initial' ? s : { ...s, loading: 'refresh' }));
    const before = this.#store.getSnapshot();
    // What was settled before we asked is in the answer, or nowhere; what settles while we wait may not be.
    const settled = new Set(before.messages.filter(isSettled).map((message) => message.id));
    const over = [...this.#over];
    const page = await this.#fetch({});
    if (!page) return;
    const gone = new Set(over.filter((runId) => this.#over.delete(runId)));
    this.#store.update(({ error: _cleared, ...s }) => {
      const isNewSession = page.sessionId !== s.sessionId;
      const isApart =
        page.hasMore && !page.messages.some((m) => s.messages.some((known) => known.seq === m.seq));
      const base = isNewSession || isApart ? s.messages.filter((m) => m.seq === undefined) : s.messages;
      const messages = applyPage(base, page.messages, (message) => !settled.has(message.id));
      const keptOlder = messages[0]?.seq !== page.messages[0]?.seq;
      const hasMore = keptOlder ? s.hasMore : page.hasMore;
      const runs = s.runs.filter((run) => !gone.has(run.runId));
      return { ...s, ...facts(page), messages, runs, hasMore, loading: 'no' };
    });
  }

  async #older(): Promise<void> {
    const { hasMore, messages, sessionId } = this.#store.getSnapshot();
    const beforeSeq = messages.find((message) => message.seq !== undefined)?.seq;
    if (!hasMore || beforeSeq === undefined) return;
    this.#store.update((s) => ({ ...s, loading: 'older' }));
    const page = await this.#fetch({ beforeSeq });
    if (!page) return;
    this.#store.update(({ error: _cleared, ...s }) => {
      if (s.sessionId !== sessionId) return { ...s, loading: 'no' };
      const known = new Set(s.messages.map((message) => message.seq));
      const older = page.messages.filter((message) => !known.has(message.seq));
      return {
        ...s,
        messages: [...older, ...s.messages],
        hasMore: page.hasMore && older.length > 0,
        loading: 'no',
      };
    });
  }

  async #fetch(extra: { beforeSeq?: number }): Promise<Page | undefined> {
    const { sessionKey } = this.#store.getSnapshot();
    try {
      const result = await this.#client.request<HistoryResult>('chat.history', {
        sessionKey,
        limit: PAGE_SIZE,
        ...extra,
      });
      return {
        messages: (result.messages ?? []).flatMap((raw, index) => {
          const wire = WireMessage.safeParse(raw);
          return wire.success ? [fromWire(wire.data, index)] : [];
        }),
        hasMore: result.hasMore ?? false,
        ...facts(result),
      };
    } catch (cause) {
      const error =
        cause instanceof RequestError
          ? cause
          : new RequestError({ code: 'INTERNAL', message: String(cause) });
      this.#store.update((s) => ({ ...s, error, loading: s.loading === 'initial' ? 'initial' : 'no' }));
      return undefined;
    }
  }
}

const facts = (page: {
  sessionId?: string;
  thinkingLevel?: string;
}): { sessionId?: string; thinkingLevel?: string } => ({
  ...(page.sessionId !== undefined && { sessionId: page.sessionId }),
  ...(page.thinkingLevel !== undefined && { thinkingLevel: page.thinkingLevel }),
});

/** Errors that the server did not store stay until the page is closed: they are all the user has. */
const isSettled = (message: ChatMessage): boolean =>
  message.seq === undefined && message.status === 'sent' && message.errorMessage === undefined;
