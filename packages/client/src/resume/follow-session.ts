import { AgentEvent, type EventFrame, ResumeAnswer } from '@moltbot/shared/contracts';
import { backoffMs } from '../backoff.ts';
import type { MoltbotClient } from '../client.ts';
import { LOCAL_CODES, RequestError } from '../request-error.ts';
import { canonicalKey } from '../session-key.ts';
import { Cursors } from './cursors.ts';

const RESUME = 'chat.resume';
const ANSWER_WITHIN_MS = 15_000;
const MOST_TRIES = 6;
/** Kept while an answer is awaited; when there are more, the server is asked once again instead. */
const MOST_HELD = 5_000;

export type RunFrame = Readonly<{ event: string; payload?: unknown }>;

export type SessionHandlers = Readonly<{
  /** A `chat` or `agent` frame of the session: each once and in order, over however many connections. */
  frame(frame: RunFrame): void;
  /**
   * After a new connection, or a hole in this one: what was missed has been told, and
   * `answer.runs` go on. With `answer.gap` it could not be told: read the history.
   */
  resumed(answer: ResumeAnswer): void;
  /** A connection without a place to go on from, the first above all: read the history. */
  restarted(): void;
}>;

/**
 * Follows one session. Frames that come while the server is asked what was missed wait for
 * its answer; what stands at or before the last cursor heard is dropped.
 */
class SessionFollower {
  readonly #client: MoltbotClient;
  readonly #key: string;
  readonly #on: SessionHandlers;
  readonly #cursors = new Cursors();
  readonly #unlisten: readonly (() => void)[];
  /** What runs had said at the last answer: the next frame of each may count its `delta` from before that. */
  readonly #said = new Map<string, string>();
  #held: RunFrame[] | undefined;
  #overflowed = false;
  /** Which question is the present one; the answer to an earlier is not heard. */
  #asked = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(client: MoltbotClient, key: string, on: SessionHandlers) {
    this.#client = client;
    this.#key = key;
    this.#on = on;
    this.#unlisten = [
      client.on('event', (frame) => this.#hear(frame)),
      // @NOTE from the loss on, not from the hello on: a server may send frames before its hello
      client.on('state', ({ status }) => status !== 'open' && this.#hold()),
      client.on('hello', () => this.#resume()),
      client.on('gap', () => this.#resume()),
    ];
    if (client.state.status === 'open') on.restarted();
    else this.#hold();
  }

  close(): void {
    for (const unlisten of this.#unlisten) unlisten();
    this.#stopAsking();
  }

  #hear(frame: EventFrame): void {
    if ((frame.event !== 'chat' && frame.event !== 'agent') || !this.#isOurs(frame.payload)) return;
    if (this.#held === undefined) return this.#tell(frame);
    if (this.#held.length < MOST_HELD) return void this.#held.push(frame);
    this.#held.length = 0;
    this.#overflowed = true;
  }

  #tell(frame: RunFrame): void {
    const { cursor } = (frame.payload ?? {}) as { cursor?: unknown };
    if (this.#cursors.take(cursor)) this.#on.frame(this.#withoutRepeat(frame));
  }

  #withoutRepeat(frame: RunFrame): RunFrame {
    const { success, data: event } = AgentEvent.safeParse(frame.payload);
    if (!success || event.stream !== 'assistant') return frame;
    const said = this.#said.get(event.runId);
    this.#said.delete(event.runId);
    const text = event.data['text'];
    if (said === undefined || typeof text !== 'string' || !text.startsWith(said)) return frame;
    return { ...frame, payload: { ...event, data: { ...event.data, delta: text.slice(said.length) } } };
  }

  #hold(): void {
    this.#stopAsking();
    this.#held ??= [];
  }

  #release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const frame of held) this.#tell(frame);
  }

  #resume(): void {
    this.#stopAsking();
    const cursor = this.#cursors.newest;
    const isServed = this.#client.hello?.features.methods.includes(RESUME) ?? false;
    if (cursor === undefined || !isServed) return this.#restart();
    this.#held ??= [];
    void this.#ask(cursor, 1);
  }

  #restart(): void {
    this.#cursors.clear();
    this.#overflowed = false;
    this.#on.restarted();
    this.#release();
  }

  #stopAsking(): void {
    clearTimeout(this.#timer);
    this.#asked += 1;
  }

  async #ask(cursor: string, tries: number): Promise<void> {
    const asked = this.#asked;
    const params = { sessionKey: this.#key, cursor };
    try {
      const answer = await this.#client.request(RESUME, params, { timeoutMs: ANSWER_WITHIN_MS });
      if (asked === this.#asked) this.#apply(ResumeAnswer.parse(answer));
    } catch (error) {
      if (asked === this.#asked) this.#refused(error, cursor, tries);
    }
  }

  #refused(error: unknown, cursor: string, tries: number): void {
    if (!(error instanceof RequestError)) return this.#restart();
    const { code, retryable, retryAfterMs = backoffMs(tries) } = error;
    if (code === LOCAL_CODES.disconnected || code === LOCAL_CODES.closed) return; // the next hello asks again
    if (!retryable || tries >= MOST_TRIES) return this.#restart();
    this.#timer = setTimeout(() => void this.#ask(cursor, tries + 1), retryAfterMs);
  }

  #apply(answer: ResumeAnswer): void {
    for (const frame of answer.frames) this.#tell(frame);
    this.#cursors.goTo(answer.cursor);
    this.#said.clear();
    for (const { runId, text } of answer.runs) this.#said.set(runId, text);
    this.#on.resumed(answer);
    if (!this.#overflowed) return this.#release();
    this.#overflowed = false;
    this.#resume();
  }

  #isOurs(payload: unknown): boolean {
    const { sessionKey } = (payload ?? {}) as { sessionKey?: unknown };
    if (typeof sessionKey !== 'string') return true; // an old server's: the run's id must tell
    const defaults = this.#client.hello?.snapshot.sessionDefaults;
    return (
      sessionKey === this.#key || canonicalKey(sessionKey, defaults) === canonicalKey(this.#key, defaults)
    );
  }
}

/** The frames of one session over however many connections. Returns how to stop. */
export function followSession(
  client: MoltbotClient,
  sessionKey: string,
  handlers: SessionHandlers,
): () => void {
  const follower = new SessionFollower(client, sessionKey, handlers);
  return () => follower.close();
}
