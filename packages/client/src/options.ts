import type { DeviceIdentity } from './device.ts';

export type ClientInfo = Readonly<{
  /** One of the protocol's client ids: `webchat-ui`, `cli`, `gateway-client`, … */
  id: string;
  mode: 'webchat' | 'cli' | 'ui' | 'backend' | 'node' | 'probe' | 'test';
  version: string;
  platform: string;
  displayName?: string;
  instanceId?: string;
}>;

/** What we need of a WebSocket; the browser's, Node's own and the `ws` package all have it. */
export type SocketLike = {
  readonly readyState: number;
  send(data: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'open', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { code: number; reason: string }) => void): void;
  addEventListener(type: 'error', listener: (event: unknown) => void): void;
};
export type SocketConstructor = new (url: string) => SocketLike;

export type ClientOptions = Readonly<{
  url: string;
  /** A function is asked before every attempt, so that a renewed token is used without a new client. */
  token: string | (() => string | Promise<string>);
  client: ClientInfo;
  scopes?: readonly string[];
  /** false: the first loss closes the client (the CLI). */
  reconnect?: boolean;
  device?: DeviceIdentity;
  WebSocket?: SocketConstructor;
  minProtocol?: number;
  maxProtocol?: number;
  connectTimeoutMs?: number;
}>;
