/** The demo model where BigModel keeps its Anthropic API: below a path of its own. */
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startDemoModel, type RecordedRequest } from '@moltbot/demo-model';

export type Provider = AsyncDisposable &
  Readonly<{ baseUrl: string; requests(): readonly RecordedRequest[] }>;

const PREFIX = '/api/anthropic';

export async function startProvider(): Promise<Provider> {
  await using started = new AsyncDisposableStack();
  const model = started.use(await startDemoModel());
  const server = createServer((incoming, response) => forward(model.baseUrl, incoming, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  started.defer(async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  });
  const owned = started.move();
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}${PREFIX}`,
    requests: () => model.requests(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Whatever is not below the prefix is not there, as with the real one. */
function forward(baseUrl: string, incoming: IncomingMessage, response: ServerResponse): void {
  const { method, headers, url = '/' } = incoming;
  if (!url.startsWith(`${PREFIX}/`)) return void response.writeHead(404).end();
  const onward = request(`${baseUrl}${url.slice(PREFIX.length)}`, { method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  response.on('close', () => onward.destroy()); // the caller left: so do we
  incoming.pipe(onward);
}
