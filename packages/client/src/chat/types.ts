import type { RequestError } from '../request-error.ts';

export type ContentBlock = Readonly<{ type: string; [key: string]: unknown }>;

export type ChatAttachment = Readonly<{ mimeType: string; fileName?: string; /** base64 */ content: string }>;

/**
 * `sending` not yet acknowledged: it will be sent again, unchanged, until it is ·
 * `queued` the server has it, the run has not ended · `sent` in the history ·
 * `failed` refused, `error` says why; `retry` or `discard` it.
 */
export type MessageStatus = 'sending' | 'queued' | 'sent' | 'failed';

export type ChatMessage = Readonly<{
  /** Stays the same while a message goes from `sending` to `sent`: a key for lists. */
  id: string;
  role: string;
  content: readonly ContentBlock[];
  /** The text blocks, joined. */
  text: string;
  timestampMs: number;
  status: MessageStatus;
  /** Place in the session's log; absent until the server has told us. */
  seq?: number;
  runId?: string;
  stopReason?: string;
  errorMessage?: string;
  /** The server's own object: usage, model, provider, tool fields. */
  wire?: Readonly<Record<string, unknown>>;
}>;

export type ChatTool = Readonly<{
  id: string;
  name: string;
  phase: 'running' | 'done' | 'failed';
}>;

/** A run that has not ended. */
export type ChatRun = Readonly<{
  runId: string;
  /** `queued` accepted, waiting for its turn · `thinking` begun, no text yet · `streaming`. */
  phase: 'queued' | 'thinking' | 'streaming';
  /** Everything said so far. */
  text: string;
  /** The model's reasoning so far, where it shows any. */
  thinking?: string;
  startedAtMs: number;
  tools: readonly ChatTool[];
}>;

export type ChatSnapshot = Readonly<{
  sessionKey: string;
  /** Oldest first; what was not acknowledged comes last. */
  messages: readonly ChatMessage[];
  runs: readonly ChatRun[];
  /** `initial` nothing has been loaded yet. */
  loading: 'initial' | 'older' | 'refresh' | 'no';
  hasMore: boolean;
  sessionId?: string;
  thinkingLevel?: string;
  /** Why the last load failed; cleared by the next that works. */
  error?: RequestError;
}>;

export type Chat = {
  /** Both are bound, for React's useSyncExternalStore. */
  readonly subscribe: (listener: () => void) => () => void;
  readonly getSnapshot: () => ChatSnapshot;
  /** Returns the run's id, which is also the idempotency key. Never throws for the network. */
  send(text: string, attachments?: readonly ChatAttachment[]): string;
  /** Sends a failed message again under the same idempotency key. */
  retry(runId: string): void;
  discard(runId: string): void;
  /** Without a run id: every run of the session. Rejects with RequestError. */
  abort(runId?: string): Promise<void>;
  loadOlder(): Promise<void>;
  reload(): Promise<void>;
  close(): void;
};
