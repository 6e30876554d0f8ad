import { once } from 'node:events';
import { connect as connectTo, type AddressInfo, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { openConnection, POLICY, type Connection } from './connection.ts';

type Pair = Readonly<{ client: WebSocket; wire: Socket; server: WebSocket; connection: Connection }>;

/** The two ends of a real connection; `wire` is the client's own network socket. */
async function pair(): Promise<Pair> {
  const listening = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(listening, 'listening');
  const wire = connectTo((listening.address() as AddressInfo).port, '127.0.0.1');
  const accepted = once(listening, 'connection') as Promise<[WebSocket]>;
  const client = new WebSocket('ws://127.0.0.1', { createConnection: () => wire });
  const [[server]] = await Promise.all([accepted, once(client, 'open')]);
  onTestFinished(async () => {
    client.terminate();
    server.terminate();
    await new Promise((resolve) => listening.close(resolve));
  });
  return { client, wire, server, connection: openConnection(server, 'c', '127.0.0.1') };
}

const payload = JSON.stringify({ text: 'x'.repeat(100_000) });
const MOST_BYTES = POLICY.maxBufferedBytes + 2 * payload.length;

test('a socket that is not read is closed with 1013, and told the last cursor it was sent', async () => {
  const { client, wire, server, connection } = await pair();
  const heard: string[] = [];
  client.on('message', (data: Buffer) =>
    heard.push((JSON.parse(data.toString()) as { event: string }).event),
  );
  const closed = once(client, 'close') as Promise<[number, Buffer]>;
  wire.pause();
  const sent: string[] = [];
  let mostBytes = 0;
  for (let at = 0; at < 1_000; at += 1) {
    const cursor = `7d1f0a52-9d3e-4d5a-9a3c-0d9b9d1c5a11/1700000000000-${at}`;
    if (connection.event(`e${at}`, payload, { cursor }) && server.readyState === WebSocket.OPEN)
      sent.push(cursor);
    mostBytes = Math.max(mostBytes, server.bufferedAmount);
    await new Promise(setImmediate); // what the kernel takes, it takes
  }
  expect(sent.length).toBeGreaterThan(10);
  expect(sent.length).toBeLessThan(900);
  expect(mostBytes).toBeLessThan(MOST_BYTES);
  wire.resume();
  const [code, reason] = await closed;
  expect([code, reason.toString()]).toEqual([1013, `slow consumer; cursor=${sent.at(-1)}`]);
  expect(reason.length).toBeLessThanOrEqual(123);
  expect(heard).toEqual(sent.map((_, at) => `e${at}`));
});

test('growing text is left out first, and what is left out moves no cursor', async () => {
  const { client, wire, server, connection } = await pair();
  const closed = once(client, 'close') as Promise<[number, Buffer]>;
  wire.pause();
  connection.event('chat', '{}', { cursor: 'a/1-1' });
  while (server.bufferedAmount <= POLICY.maxBufferedBytes) {
    connection.event('tick', payload);
    await new Promise(setImmediate);
  }
  expect(connection.event('chat', payload, { cursor: 'a/1-2', droppable: true })).toBe(false);
  expect(server.readyState).toBe(WebSocket.OPEN);
  expect(connection.event('chat', payload, { cursor: 'a/1-3' })).toBe(false);
  wire.resume();
  const [code, reason] = await closed;
  expect([code, reason.toString()]).toEqual([1013, 'slow consumer; cursor=a/1-1']);
});
