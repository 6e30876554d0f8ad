import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { openConnection, POLICY, type Connection } from './connection.ts';
import { createIntake, type AwaitRun } from './intake.ts';

type Work = (id: string, connection: Connection, awaitRun: AwaitRun) => Promise<void>;
type Pair = AsyncDisposable & Readonly<{ client: WebSocket; server: WebSocket; connection: Connection }>;

/** The two ends of a real connection, whose requests are their ids and are answered by `work`. */
async function connect(work: Work): Promise<Pair> {
  const listening = new WebSocketServer({ port: 0, host: '127.0.0.1', maxPayload: POLICY.maxPayload });
  await once(listening, 'listening');
  const accepted = once(listening, 'connection') as Promise<[WebSocket]>;
  const client = new WebSocket(`ws://127.0.0.1:${(listening.address() as AddressInfo).port}`);
  const [[server]] = await Promise.all([accepted, once(client, 'open')]);
  const connection = openConnection(server, 'c', '127.0.0.1');
  const intake = createIntake(server, connection, async (frame, awaitRun) => {
    await work(String(frame), connection, awaitRun);
  });
  server.on('message', (data: Buffer) => intake.take(data.toString()));
  return {
    client,
    server,
    connection,
    async [Symbol.asyncDispose]() {
      client.terminate();
      server.terminate();
      await new Promise((resolve) => listening.close(resolve));
    },
  };
}

test('so much is at work at once, and the rest is answered after it', async () => {
  const { promise: go, resolve: release } = Promise.withResolvers<undefined>();
  let begun = 0;
  await using pair = await connect(async (id, connection) => {
    begun += 1;
    await go;
    connection.respond(id, {});
  });
  const answered: string[] = [];
  pair.client.on('message', (data: Buffer) => {
    answered.push((JSON.parse(data.toString()) as { id: string }).id);
  });
  const asked = Array.from({ length: 5_000 }, (_, at) => String(at));
  for (const id of asked) pair.client.send(id);
  await expect.poll(() => pair.server.isPaused).toBe(true);
  expect(begun).toBe(32);
  release(undefined);
  await expect.poll(() => answered.length).toBe(asked.length);
  expect(answered).toEqual(asked);
});

test('a call that awaits a run holds nothing up', async () => {
  const { promise: end, resolve: finish } = Promise.withResolvers<undefined>();
  await using pair = await connect(async (id, connection, awaitRun) => {
    if (id === 'quick') return connection.respond(id, {});
    await awaitRun(end).then(
      () => connection.respond(id, {}),
      () => connection.respond(`refused ${id}`, {}),
    );
  });
  const answered: string[] = [];
  pair.client.on('message', (data: Buffer) => {
    answered.push((JSON.parse(data.toString()) as { id: string }).id);
  });
  for (let at = 0; at < 1_001; at += 1) pair.client.send(`run ${at}`);
  pair.client.send('quick');
  await expect.poll(() => answered.toSorted()).toEqual(['quick', 'refused run 1000']);
  finish(undefined);
  await expect.poll(() => answered.length).toBe(1_002);
});

test('a client that does not read is asked for nothing more until it does', async () => {
  const answer = 'x'.repeat(500_000);
  let begun = 0;
  let peakBytes = 0;
  await using pair = await connect(async (id, connection) => {
    begun += 1;
    await Promise.resolve();
    connection.respond(id, answer);
    peakBytes = Math.max(peakBytes, pair.server.bufferedAmount);
  });
  let answered = 0;
  pair.client.on('message', () => (answered += 1));
  pair.client.pause();
  for (let at = 0; at < 200; at += 1) pair.client.send(String(at));
  await expect.poll(() => pair.server.isPaused).toBe(true);
  expect(begun).toBeLessThan(200);
  pair.client.resume();
  await expect.poll(() => answered, { timeout: 20_000 }).toBe(200);
  expect(peakBytes).toBeLessThan(POLICY.maxBufferedBytes + 33 * answer.length);
}, 30_000);

test('answers that pile up end the connection of whoever does not read them', async () => {
  const { promise: go, resolve: release } = Promise.withResolvers<undefined>();
  await using pair = await connect(async (id, connection) => {
    await go;
    connection.respond(id, 'x'.repeat(2_000_000));
  });
  const closed = once(pair.client, 'close');
  for (let at = 0; at < 32; at += 1) pair.client.send(String(at));
  await expect.poll(() => pair.server.isPaused).toBe(true);
  pair.client.pause();
  release(undefined);
  await expect.poll(() => pair.server.readyState).toBe(WebSocket.CLOSING);
  expect(pair.server.bufferedAmount).toBeLessThan(20_000_000);
  pair.client.resume();
  const [code, reason] = (await closed) as [number, Buffer];
  expect([code, reason.toString()]).toEqual([1013, 'slow consumer']);
});

test('whoever reads gets everything, however much is answered in one go', async () => {
  const answer = 'x'.repeat(50_000);
  await using pair = await connect(async (id, connection) => {
    await Promise.resolve();
    connection.respond(id, answer);
  });
  let answered = 0;
  pair.client.on('message', () => (answered += 1));
  for (let at = 0; at < 2_000; at += 1) pair.client.send(String(at));
  await expect.poll(() => answered, { timeout: 20_000 }).toBe(2_000);
}, 30_000);

test('one answer may be larger than the limit, and what follows it comes too', async () => {
  await using pair = await connect(async (id, connection) => {
    await Promise.resolve();
    connection.respond(id, 'x'.repeat(6_291_456));
    connection.respond(`${id} small`, {});
    connection.event('tick', '{}');
  });
  const seen: number[] = [];
  pair.client.on('message', (data: Buffer) => seen.push(data.length));
  pair.client.send('history');
  await expect.poll(() => seen.length).toBe(3);
  expect(seen[0]).toBeGreaterThan(6_291_456);
  expect(pair.connection.congested()).toBe(false);
});
