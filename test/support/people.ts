/** Users of a running product: their tokens, their connections, and what each of them was told. */
import { createNodeClient } from '@moltbot/client/node';
import type { MoltbotClient } from '@moltbot/client';
import type { EventFrame } from '@moltbot/shared/contracts';

const CLIENT = { id: 'test', mode: 'test', version: '1', platform: 'linux' } as const;
const WITHIN_MS = 30_000;

/** A connection that keeps every event it was sent. */
export type Listener = Disposable &
  Readonly<{
    client: MoltbotClient;
    events: readonly EventFrame[];
    request<T = Record<string, unknown>>(method: string, params?: unknown, timeoutMs?: number): Promise<T>;
    chats(runId: string): ChatPayload[];
    agents(runId: string): AgentPayload[];
    /** The end of a run as this connection was told it; waits for it. */
    end(runId: string): Promise<ChatPayload>;
  }>;

export type ChatPayload = Readonly<{
  runId: string;
  sessionKey: string;
  seq: number;
  state: 'delta' | 'final' | 'aborted' | 'error';
  message?: { content: { type: string; text?: string }[] };
  errorMessage?: string;
  stopReason?: string;
}>;

export type AgentPayload = Readonly<{
  runId: string;
  seq: number;
  stream: string;
  data: Readonly<Record<string, unknown>>;
}>;

export function listen(wsUrl: string, token: string): Listener {
  const client = createNodeClient({ url: wsUrl, token, client: CLIENT });
  const events: EventFrame[] = [];
  client.on('event', (frame) => void events.push(frame));
  const payloads = <T extends { runId: string }>(name: string, runId: string): T[] =>
    events
      .filter(({ event }) => event === name)
      .map(({ payload }) => payload as T)
      .filter((payload) => payload.runId === runId);
  const chats = (runId: string): ChatPayload[] => payloads('chat', runId);
  return {
    client,
    events,
    request: (method, params, timeoutMs = WITHIN_MS) => client.request(method, params, { timeoutMs }),
    chats,
    agents: (runId) => payloads('agent', runId),
    end: (runId) => until(() => chats(runId).find(({ state }) => state !== 'delta'), `the end of ${runId}`),
    [Symbol.dispose]: () => client.close(),
  };
}

/** The text of a message as clients show it. */
export function shownText({ message }: Pick<ChatPayload, 'message'>): string {
  return (message?.content ?? []).map(({ text = '' }) => text).join('');
}

export type Person = Readonly<{ userId: string; token: string; tokenId: string }>;

/** A personal token, as an administrator makes it. */
export async function newPerson(admin: Listener, userId: string, role = 'member'): Promise<Person> {
  const made = await admin.request<{ id: string; token: string }>('tokens.create', { userId, role });
  return { userId, token: made.token, tokenId: made.id };
}

/** Looks again and again until there is something to see; `what` names it when it never comes. */
export async function until<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  what: string,
  withinMs = WITHIN_MS,
): Promise<T> {
  const deadlineMs = Date.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (Date.now() > deadlineMs) throw new Error(`never seen within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
