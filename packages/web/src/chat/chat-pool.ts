import { createChat } from '@moltbot/client';
import type { Chat, MoltbotClient } from '@moltbot/client';

const KEPT = 12;

/**
 * Chats stay alive when the person looks at another one: closing a chat would drop a
 * message that is still waiting for the connection, and going back would start blank.
 */
export class ChatPool {
  readonly #client: MoltbotClient;
  /** In order of last use. */
  readonly #chats = new Map<string, Chat>();

  constructor(client: MoltbotClient) {
    this.#client = client;
  }

  get(sessionKey: string): Chat {
    const chat = this.#chats.get(sessionKey) ?? createChat(this.#client, sessionKey);
    this.#chats.delete(sessionKey);
    this.#chats.set(sessionKey, chat);
    this.#trim(sessionKey);
    return chat;
  }

  drop(sessionKey: string): void {
    this.#chats.get(sessionKey)?.close();
    this.#chats.delete(sessionKey);
  }

  close(): void {
    for (const key of [...this.#chats.keys()]) this.drop(key);
  }

  #trim(openKey: string): void {
    for (const [key, chat] of this.#chats) {
      if (this.#chats.size <= KEPT) return;
      if (key !== openKey && isAtRest(chat)) this.drop(key);
    }
  }
}

function isAtRest(chat: Chat): boolean {
  const { runs, messages } = chat.getSnapshot();
  return runs.length === 0 && messages.every((message) => message.status === 'sent');
}
