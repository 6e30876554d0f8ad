import {
  AgentEvent,
  ChatEvent,
  type EventFrame,
  type ResumeAnswer,
  WireMessage,
} from '@moltbot/shared/contracts';
import type { MoltbotClient } from '../client.ts';
import type { RequestError } from '../request-error.ts';
import { followSession, type RunFrame } from '../resume/follow-session.ts';
import { canonicalKey } from '../session-key.ts';
import { History } from './history.ts';
import { fromWire, upsert } from './messages.ts';
import { Outbox } from './outbox.ts';
import {
  applyAgentEvent,
  applyDelta,
  applyEnd,
  applyLiveRun,
  isTerminal,
  type TerminalEvent,
  withRun,
} from './runs.ts';
import { Store } from './store.ts';
import type { Chat, ChatAttachment, ChatMessage } from './types.ts';

const SUBSCRIBE = 'sessions.messages.subscribe';
const ENDED_REMEMBERED = 256;

class SessionChat implements Chat {
  readonly #client: MoltbotClient;
  readonly #key: string;
  readonly #store: Store;
  readonly #history: History;
  readonly #outbox: Outbox;
  readonly #unlisten: readonly (() => void)[];
  /** A delta may come after its run's end (another replica, a late poll); it must not revive the run. */
  readonly #ended = new Set<string>();

  constructor(client: MoltbotClient, sessionKey: string) {
    this.#client = client;
    this.#key = sessionKey;
    this.#store = new Store(sessionKey);
    this.#history = new History(client, this.#store);
    this.#outbox = new Outbox(client, {
      accepted: (runId) => this.#accepted(runId),
      settled: (runId) => this.#settled(runId),
      failed: (runId, error) => this.#failed(runId, error),
    });
    this.#unlisten = [
      client.on('event', (frame) => this.#received(frame)),
      client.on('hello', () => this.#subscribe()),
      followSession(client, sessionKey, {
        frame: (frame) => this.#follow(frame),
        resumed: (answer) => this.#resumed(answer),
        restarted: () => this.#restarted(),
      }),
    ];
    if (client.state.status === 'open') this.#subscribe();
  }

  get subscribe(): Chat['subscribe'] {
    return this.#store.subscribe;
  }

  get getSnapshot(): Chat['getSnapshot'] {
    return this.#store.getSnapshot;
  }

  send(text: string, attachments?: readonly ChatAttachment[]): string {
    const runId = crypto.randomUUID();
    this.#store.update((s) => ({ ...s, messages: [...s.messages, ownMessage(runId, text, attachments)] }));
    this.#outbox.add({
      sessionKey: this.#key,
      message: text,
      idempotencyKey: runId,
      deliver: false,
      ...(attachments && attachments.length > 0 && { attachments }),
    });
    return runId;
  }

  retry(runId: string): void {
    if (!this.#outbox.retry(runId)) return;
    this.#changeOwn(runId, ({ errorMessage: _past, ...message }) => ({ ...message, status: 'sending' }));
  }

  discard(runId: string): void {
    this.#outbox.remove(runId);
    this.#store.update((s) => ({
      ...s,
      messages: s.messages.filter((m) => m.runId !== runId || m.status !== 'failed'),
    }));
  }

  async abort(runId?: string): Promise<void> {
    await this.#client.request('chat.abort', {
      sessionKey: this.#key,
      ...(runId !== undefined && { runId }),
    });
  }

  loadOlder(): Promise<void> {
    return this.#history.loadOlder();
  }

  reload(): Promise<void> {
    return this.#history.refresh();
  }

  close(): void {
    for (const unlisten of this.#unlisten) unlisten();
    this.#outbox.close();
  }

  #subscribe(): void {
    if (!this.#client.hello?.features.methods.includes(SUBSCRIBE)) return;
    // Without the subscription chat events still come, and the history is read instead.
    this.#client.request(SUBSCRIBE, { key: this.#key }).catch(() => undefined);
  }

  /** Nothing tells what was missed: the server's word replaces ours. */
  #restarted(): void {
    for (const { runId } of this.#store.getSnapshot().runs)
      if (!this.#outbox.has(runId)) this.#history.retire(runId);
    void this.#history.refresh();
    this.#outbox.resume();
  }

  /** What was missed has been told, or with a gap only how things stand. */
  #resumed({ gap, frames, runs }: ResumeAnswer): void {
    const live = new Set(runs.map(({ runId }) => runId));
    const over = this.#store
      .getSnapshot()
      .runs.filter(({ runId }) => !live.has(runId) && !this.#outbox.has(runId));
    for (const { runId } of over) this.#history.retire(runId);
    const known = runs.filter(({ runId, state }) => state === 'running' || this.#knows(runId));
    for (const run of known) if (!this.#ended.has(run.runId)) this.#store.update((s) => applyLiveRun(s, run));
    // The history places what was said meanwhile, in other tabs too.
    if (gap || over.length > 0 || frames.some(endsRun)) void this.#history.refresh();
    this.#outbox.resume();
  }

  #received(frame: EventFrame): void {
    if (frame.event === 'session.message') this.#onStored(frame.payload);
  }

  #follow({ event, payload }: RunFrame): void {
    if (event === 'chat') this.#onChat(ChatEvent.safeParse(payload).data);
    else this.#onAgent(AgentEvent.safeParse(payload).data);
  }

  #onChat(event: ChatEvent | undefined): void {
    if (!event || this.#ended.has(event.runId)) return;
    if (isTerminal(event)) return this.#end(event);
    if (event.state !== 'delta') return;
    this.#readHistoryOfForeign(event.runId);
    this.#history.keep(event.runId);
    this.#store.update((s) => applyDelta(s, event));
  }

  #end(event: TerminalEvent): void {
    const { runs, messages } = this.#store.getSnapshot();
    const usedTools = runs.some((run) => run.runId === event.runId && run.tools.length > 0);
    const own = messages.find((message) => message.runId === event.runId && message.role === 'user');
    this.#rememberEnd(event.runId);
    this.#store.update((s) => applyEnd(s, event));
    this.#outbox.remove(event.runId);
    // Commands change the session, tools leave records of their own, others' words are not here yet, ours may
    // not have their place, and of an answer that broke off the log may hold more than we were sent.
    const isWhole = event.state === 'final' && event.message !== undefined && own?.seq !== undefined;
    if (!isWhole || own.text.startsWith('/') || usedTools) void this.#history.refresh();
  }

  /** A run begun in another tab: what was asked there is in the history only. */
  #readHistoryOfForeign(runId: string): void {
    if (!this.#knows(runId)) void this.#history.refresh();
  }

  #knows(runId: string): boolean {
    return this.#outbox.has(runId) || this.#store.getSnapshot().runs.some((run) => run.runId === runId);
  }

  #onAgent(event: AgentEvent | undefined): void {
    if (!event || this.#ended.has(event.runId)) return;
    if (event.sessionKey === undefined && !this.#outbox.has(event.runId)) return;
    this.#readHistoryOfForeign(event.runId);
    this.#store.update((s) => applyAgentEvent(s, event));
  }

  #onStored(payload: unknown): void {
    const { sessionKey, message, messageSeq } = (payload ?? {}) as Record<string, unknown>;
    const wire = WireMessage.safeParse(message).data;
    if (
      !wire ||
      typeof messageSeq !== 'number' ||
      typeof sessionKey !== 'string' ||
      !this.#isOurs(sessionKey)
    )
      return;
    const stored = fromWire({ ...wire, seq: messageSeq }, 0);
    this.#store.update((s) => ({ ...s, messages: upsert(s.messages, stored) }));
  }

  #accepted(runId: string): void {
    if (this.#ended.has(runId)) return;
    this.#changeOwn(runId, (message) =>
      message.status === 'sending' ? { ...message, status: 'queued' } : message,
    );
    this.#store.update((s) => withRun(s, runId, (run) => run));
  }

  #settled(runId: string): void {
    this.#rememberEnd(runId);
    this.#changeOwn(runId, (message) => ({ ...message, status: 'sent' }));
    this.#history.retire(runId);
    void this.#history.refresh();
  }

  #failed(runId: string, error: RequestError): void {
    this.#changeOwn(runId, (message) => ({ ...message, status: 'failed', errorMessage: error.message }));
    this.#store.update((s) => ({ ...s, runs: s.runs.filter((run) => run.runId !== runId) }));
  }

  /** Our own message as long as the log has not numbered it. */
  #changeOwn(runId: string, change: (message: ChatMessage) => ChatMessage): void {
    this.#store.update((s) => ({
      ...s,
      messages: s.messages.map((m) =>
        m.runId === runId && m.role === 'user' && m.seq === undefined ? change(m) : m,
      ),
    }));
  }

  #rememberEnd(runId: string): void {
    this.#ended.add(runId);
    const [oldest] = this.#ended;
    if (this.#ended.size > ENDED_REMEMBERED && oldest !== undefined) this.#ended.delete(oldest);
  }

  #isOurs(sessionKey: string): boolean {
    const defaults = this.#client.hello?.snapshot.sessionDefaults;
    return (
      sessionKey === this.#key || canonicalKey(sessionKey, defaults) === canonicalKey(this.#key, defaults)
    );
  }
}

const endsRun = ({ event, payload }: RunFrame): boolean =>
  event === 'chat' && (payload as { state?: unknown }).state !== 'delta';

function ownMessage(runId: string, text: string, attachments: readonly ChatAttachment[] = []): ChatMessage {
  const images = attachments.map((a) => ({
    type: 'image',
    mimeType: a.mimeType,
    data: a.content,
    fileName: a.fileName,
  }));
  return {
    id: `own:${runId}`,
    role: 'user',
    content: [{ type: 'text', text }, ...images],
    text,
    timestampMs: Date.now(),
    status: 'sending',
    runId,
  };
}

/** One session's conversation, kept equal to the server's. Several may share one client. */
export function createChat(client: MoltbotClient, sessionKey: string): Chat {
  return new SessionChat(client, sessionKey);
}
