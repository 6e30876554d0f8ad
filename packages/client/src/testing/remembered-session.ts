/** A chat with a gateway that remembers one session, and the questions tests ask of it. */
import { expect, vi } from 'vitest';
import { createChat } from '../chat/chat.ts';
import type { Chat, ChatMessage } from '../chat/types.ts';
import { createNodeClient } from '../node.ts';
import { type Method, type ScriptedGateway, startScriptedGateway } from './scripted-gateway.ts';

export const KEY = 'agent:main:main';
const INFO = { id: 'webchat-ui', mode: 'webchat', version: '0.0.0', platform: 'test' } as const;
type Stored = {
  role: string;
  content: { type: string; text: string }[];
  seq: number;
  runId: string;
  timestamp: number;
};

/** What a server remembers of one session, as far as a chat can see it. */
export class Session {
  readonly log: Stored[] = [];
  sessionId = 's-1';
  readonly runs = new Map<string, 'running' | 'ok'>();

  store(role: string, text: string, runId: string): void {
    this.log.push({
      role,
      content: [{ type: 'text', text }],
      seq: this.log.length + 1,
      runId,
      timestamp: this.log.length,
    });
  }

  readonly methods: Record<string, Method> = {
    'chat.history': ({ limit, beforeSeq }) => {
      const before = this.log.filter((m) => beforeSeq === undefined || m.seq < Number(beforeSeq));
      const messages = before.slice(-Number(limit));
      return {
        sessionKey: KEY,
        sessionId: this.sessionId,
        messages,
        hasMore: messages.length < before.length,
        thinkingLevel: 'off',
      };
    },
    'chat.send': ({ idempotencyKey, message }) => {
      const runId = String(idempotencyKey);
      const known = this.runs.get(runId);
      if (known) return { runId, status: known === 'ok' ? 'ok' : 'in_flight' };
      this.runs.set(runId, 'running');
      this.store('user', String(message), runId);
      return { runId, status: 'started' };
    },
    'chat.abort': () => ({ ok: true, aborted: true, runIds: [] }),
  };

  finish(runId: string, text: string): void {
    this.runs.set(runId, 'ok');
    this.store('assistant', text, runId);
  }
}

export type Fixture = AsyncDisposable & {
  gateway: ScriptedGateway;
  session: Session;
  chat: Chat;
  loaded(): Promise<void>;
};

export async function openChat(
  prepare: (session: Session) => void = () => undefined,
  features: string[] = [],
): Promise<Fixture> {
  const session = new Session();
  prepare(session);
  const gateway = await startScriptedGateway({ methods: session.methods, features });
  const client = createNodeClient({ url: gateway.url, token: 't', client: INFO });
  const chat = createChat(client, KEY);
  return {
    gateway,
    session,
    chat,
    loaded: () => vi.waitFor(() => expect(chat.getSnapshot().loading).toBe('no'), 5_000),
    [Symbol.asyncDispose]: async () => {
      chat.close();
      client.close();
      await gateway[Symbol.asyncDispose]();
    },
  };
}

export const say = (text: string) => ({ role: 'assistant', content: [{ type: 'text', text }], timestamp: 9 });
export const shown = (chat: Chat): [string, string][] =>
  chat.getSnapshot().messages.map((m) => [m.role, m.text]);
export const last = (chat: Chat): ChatMessage | undefined => chat.getSnapshot().messages.at(-1);
export const eventually = (check: () => void) => vi.waitFor(check, { timeout: 5_000, interval: 10 });
export const asked = (gateway: ScriptedGateway, method: string) =>
  gateway.requests.filter((request) => request.method === method);
