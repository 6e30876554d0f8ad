import type {
  ClientTool,
  ContentBlock,
  ContextMessage,
  RunEvent,
  SessionRecord,
} from '@moltbot/shared/contracts';
import type { Intent } from './message.ts';
import type { Principal } from './principal.ts';
import type { ResolvedKey } from './session-key.ts';

/** The members of a session's entry: `sid`, `key`, `updatedAt`, settings, counters; all strings. */
export type SessionEntry = Readonly<Record<string, string>>;

/** A message on its way into the ledger. */
export type TurnRequest = Readonly<{
  session: ResolvedKey;
  runId: string;
  intent: Exclude<Intent, { kind: 'stop' }>;
  channel: string;
  /** The key was made for this message alone: nothing to look up. */
  fresh?: boolean;
  blocks?: readonly ContentBlock[];
  context?: readonly ContextMessage[];
  system?: string | undefined;
  tools?: readonly ClientTool[];
  toolChoice?: unknown;
  thinking?: string | undefined;
  model?: string | undefined;
  maxTokens?: number | undefined;
  timeoutMs?: number | undefined;
}>;

export type RunState = 'waiting' | 'running' | 'final' | 'aborted' | 'error';

export type Submitted =
  | Readonly<{ kind: 'accepted'; sid: string; turnId: string }>
  | Readonly<{ kind: 'duplicate'; sid: string; turnId: string; status: RunState; error: string }>;

/** A run as this gateway has seen it: the text so far, and where its numbering stands. */
export type RunView = {
  readonly runId: string;
  readonly turnId: string;
  readonly sid: string;
  readonly key: string;
  shownKey: string;
  text: string;
  thinking: string;
  n: number;
  startedAt: number;
  attempt: number;
  /** Id of the event that made it look like this: where a client that comes back goes on. */
  cursor: string;
};

export type RunListener = (event: RunEvent, view: RunView) => void;

/** What a session's stream holds, each event with the run as it looked then. */
export type Replay = Readonly<{
  /** Of the newest event; empty when the stream is. */
  cursor: string;
  steps: readonly Readonly<{ event: RunEvent; view: Readonly<RunView> }>[];
}>;

/** Where run events of a user are heard. */
export type Hub = Readonly<{
  /** Everything of one user, from now on. */
  watchUser(userId: string, listener: RunListener): Promise<() => void>;
  /** One run, from its acceptance on: call before submitting. `key`: only where it runs in that session. */
  watchRun(userId: string, runId: string, listener: RunListener, key?: string): Promise<() => void>;
  /** A turn was accepted: whoever listens shall hear its end, also when every message about it is lost. */
  expect(userId: string, session: Readonly<{ sid: string; key: string }>, turnId: string): void;
  /** For who was away: everything the stream holds that was said before this was asked. */
  replay(session: Readonly<{ sid: string; key: string }>): Promise<Replay>;
  /** The stream's newest event, and whether no run waits or is under way after it. */
  newest(sid: string): Promise<Readonly<{ id: string; atRest: boolean }>>;
}>;

export type EndOfRun = Extract<RunEvent, { t: 'end' }>;

export type Desk = Readonly<{
  submit(principal: Principal, request: TurnRequest): Promise<Submitted>;
  abort(
    principal: Principal,
    key: string,
    runId: string | undefined,
    reason: 'rpc' | 'stop' | 'timeout',
  ): Promise<string[]>;
  inject(
    principal: Principal,
    session: ResolvedKey,
    message: string,
    label: string | undefined,
  ): Promise<string>;
  /** undefined: unknown to this user. */
  findRun(principal: Principal, runId: string): Promise<RunFacts | undefined>;
}>;

export type RunFacts = Readonly<{
  status: RunState;
  error: string;
  startedAtMs?: number;
  endedAtMs?: number;
}>;
export type AssistantRecord = Extract<SessionRecord, { type: 'assistant' }>;
