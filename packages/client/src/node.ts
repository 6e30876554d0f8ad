import { WebSocket } from 'ws';
import { createClient, type MoltbotClient } from './client.ts';
import type { ClientOptions, SocketConstructor } from './options.ts';

/** The `ws` package says why a connection failed; Node's own WebSocket, like a browser's, does not. */
export function createNodeClient(options: Omit<ClientOptions, 'WebSocket'>): MoltbotClient {
  return createClient({ ...options, WebSocket: NodeSocket });
}

class NodeSocket extends WebSocket {
  constructor(url: string) {
    super(url, { perMessageDeflate: false });
  }
}
NodeSocket satisfies SocketConstructor;
