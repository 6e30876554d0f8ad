import { createServer, request as ask, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { idempotencyKey } from './request-id.ts';

const server = createServer(
  express().use((request, response) => void response.json(idempotencyKey(request) ?? null)),
);
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => void server.close());

async function keyOf(header: string | undefined): Promise<string | null> {
  const { port } = server.address() as AddressInfo;
  const asked = ask({ port, headers: header === undefined ? {} : { 'idempotency-key': header } }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return JSON.parse(String(await answer.toArray())) as string | null;
}

test('a key is taken as it is', async () => {
  expect(await keyOf('mine-1')).toBe('mine-1');
  expect(await keyOf('k'.repeat(200))).toBe('k'.repeat(200));
});

test.each([undefined, '', '  '])('%j is no key', async (header) => {
  expect(await keyOf(header)).toBeNull();
});

test('long keys that begin alike are two keys, and each is the same every time', async () => {
  const begin = 'k'.repeat(300);
  const [one, again, other] = [await keyOf(`${begin}1`), await keyOf(`${begin}1`), await keyOf(`${begin}2`)];
  expect(one).toMatch(/^[0-9a-f]{64}$/);
  expect(again).toBe(one);
  expect(other).not.toBe(one);
});
