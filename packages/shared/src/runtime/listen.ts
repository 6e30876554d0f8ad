import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export type Listening = AsyncDisposable & Readonly<{ server: Server; port: number }>;

/** PEM text of the certificate chain and its key. */
export type TlsFiles = Readonly<{ cert: string | Buffer; key: string | Buffer }>;

/** Listens or rejects with what to do about it; closing also ends idle and open connections. */
export async function listen(
  handler: RequestListener,
  port: number,
  host: string,
  tls?: TlsFiles,
): Promise<Listening> {
  const server = tls ? createTlsServer({ ...tls, minVersion: 'TLSv1.2' }, handler) : createServer(handler);
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw listenError(cause as NodeJS.ErrnoException, port, host);
  }
  return {
    server,
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function listenError(cause: NodeJS.ErrnoException, port: number, host: string): Error {
  if (cause.code === 'EADDRINUSE')
    return new Error(
      `port ${port} on ${host} is busy: another gateway instance is already listening; stop it or choose another port (MOLTBOT_GATEWAY_PORT)`,
      { cause },
    );
  if (cause.code === 'EACCES')
    return new Error(`port ${port} needs more rights than this process has; choose one above 1023`, {
      cause,
    });
  return new Error(`cannot listen on ${host}:${port}: ${cause.message}`, { cause });
}
