/** Requests as a client behind no library makes them: its own address, its own headers, any certificate. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request as plainRequest, type IncomingMessage } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { WebSocket } from 'ws';
import type { Cluster } from '../../support/cluster.ts';
import { until, type Listener } from '../../support/people.ts';

export type Question = Readonly<{
  token: string;
  method?: string;
  body?: string;
  headers?: Readonly<Record<string, string>>;
  /** Where the client is; any 127.x.y.z is this machine, and told apart from the proxy. */
  from?: string;
  signal?: AbortSignal;
}>;

export async function ask(url: string, question: Question): Promise<IncomingMessage> {
  const { token, method = 'POST', body = '', headers = {}, from = '127.0.0.1', signal } = question;
  const request = url.startsWith('https') ? tlsRequest : plainRequest;
  const asked = request(url, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    rejectUnauthorized: false,
    agent: false,
    localAddress: from,
    ...(signal && { signal }),
  });
  asked.end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return response;
}

export async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return text;
}

/** How often the provider was asked with this text. */
export const callsFor = ({ model }: Cluster, text: string): number =>
  model.requests().filter(({ body }) => JSON.stringify(body).includes(text)).length;

/** The body of a chat completion. */
export const completion = (content: string, stream = false): string =>
  JSON.stringify({ model: 'moltbot', stream, messages: [{ role: 'user', content }] });

/** How the provider's answer to the request with this text ended; undefined while it was not asked. */
export const outcomeOf = ({ model }: Cluster, text: string): string | undefined =>
  model.requests().findLast(({ body }) => JSON.stringify(body).includes(text))?.outcome;

/** A client that trusts the certificate nobody signed. */
class TrustingSocket extends WebSocket {
  constructor(url: string) {
    super(url, { rejectUnauthorized: false });
  }
}

export const CLIENT = {
  client: { id: 'test', mode: 'test', version: '1', platform: 'linux' },
  WebSocket: TrustingSocket,
} as const;

/** The gateways of the tests believe the proxy, which comes from 127.0.0.1, and one more in front of it. */
export const GATEWAY_BEHIND_PROXY = {
  mode: 'local',
  http: { endpoints: { chatCompletions: { enabled: true } } },
  trustedProxies: ['127.0.0.1', '127.0.0.77'],
} as const;

/** The codes with which a client's connections end, as they end. */
export function closesOf({ client }: Pick<Listener, 'client'>): (number | undefined)[] {
  const codes: (number | undefined)[] = [];
  client.on('state', ({ status, closeCode, attempt }) => {
    if (status === 'waiting' && attempt === 1) codes.push(closeCode); // the attempts after it fail, too
  });
  return codes;
}

/** Whom a gateway saw in a refused request, told by its path: `send` makes one with a wrong token. */
export async function addressOf(
  { gateways }: Cluster,
  send: (path: string) => Promise<unknown>,
): Promise<string | undefined> {
  const path = `/v1/models/${randomUUID()}`;
  await send(path);
  const lineOf = (output: string): string | undefined =>
    output.split('\n').find((line) => line.includes(path));
  const line = await until(
    () => lineOf(gateways.map((one) => one.output()).join('\n')),
    `the refusal of ${path}`,
  );
  return /"ip":"([^"]*)"/.exec(line)?.[1];
}

/** What a client may pretend, in the headers that proxies use. */
export const FORGED = {
  'X-Forwarded-For': '10.9.9.9',
  'X-Real-IP': '10.9.9.9',
  'X-Forwarded-Proto': 'gopher',
  Forwarded: 'for=10.9.9.9',
};

/** New connections through the proxy, one after the other; how each of them went. */
export async function connectUntil(wsUrl: string, over: () => boolean): Promise<Record<string, number>> {
  const outcomes: Record<string, number> = {};
  while (!over()) {
    const socket = new TrustingSocket(wsUrl);
    const outcome = await new Promise<string>((resolve) => {
      socket.once('message', () => resolve('challenged'));
      socket.once('error', ({ message }) => resolve(message));
      socket.once('close', (code) => resolve(`closed with ${code}`));
    });
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    socket.terminate();
  }
  return outcomes;
}

/** Connections that say nothing, so that a gateway has somebody to send away one by one. */
export async function idleSockets(wsUrl: string, count: number): Promise<Disposable> {
  const sockets = Array.from({ length: count }, () => new WebSocket(wsUrl));
  for (const socket of sockets) socket.on('error', () => undefined);
  await Promise.all(sockets.map(async (socket) => await once(socket, 'message')));
  return {
    [Symbol.dispose]: () => {
      for (const socket of sockets) socket.terminate();
    },
  };
}
