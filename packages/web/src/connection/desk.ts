import { createContext, use } from 'react';
import { createClient } from '@moltbot/client';
import type { MoltbotClient } from '@moltbot/client';
import { ChatPool } from '../chat/chat-pool.ts';
import { forgetDrafts } from '../chat/drafts.ts';
import { SessionList } from '../sessions/session-list.ts';

const VERSION = '0.1.0';

/** Everything that lives as long as one sign-in. */
export type Desk = Readonly<{
  client: MoltbotClient;
  sessions: SessionList;
  chats: ChatPool;
  close: () => void;
}>;

/** The gateway that served this page is the one it talks to. */
function gatewayUrl(location: Location): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/`;
}

export function openDesk(token: string): Desk {
  const client = createClient({
    url: gatewayUrl(location),
    token,
    client: { id: 'webchat-ui', mode: 'webchat', version: VERSION, platform: 'web' },
  });
  const sessions = new SessionList(client);
  const chats = new ChatPool(client);
  const unhint = reconnectOnHints(client);
  const close = (): void => {
    unhint();
    forgetDrafts();
    sessions.close();
    chats.close();
    client.close();
  };
  return { client, sessions, chats, close };
}

/** The browser often knows before any timer that it is worth trying again. */
function reconnectOnHints(client: MoltbotClient): () => void {
  const retry = (): void => {
    if (client.state.status === 'waiting' && document.visibilityState === 'visible') client.reconnect();
  };
  window.addEventListener('online', retry);
  document.addEventListener('visibilitychange', retry);
  return () => {
    window.removeEventListener('online', retry);
    document.removeEventListener('visibilitychange', retry);
  };
}

export const DeskContext = createContext<Desk | undefined>(undefined);

/** Inside the workspace there always is one. */
export function useDesk(): Desk {
  const desk = use(DeskContext);
  if (desk === undefined) throw new Error('useDesk outside of the workspace');
  return desk;
}
