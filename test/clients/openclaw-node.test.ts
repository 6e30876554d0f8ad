import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { OpenClawNode, type Chunk, type GatewayEvent, type OpenClawClient } from './support/openclaw-node.ts';
import { startProduct, type Product } from './support/product.ts';
import { OPENCLAW_NODE_3, OPENCLAW_NODE_4 } from './support/recipes.ts';

const words = (count: number): string => Array.from({ length: count }, (_, at) => `t${at + 1}`).join(' ');
const ADMIN = ['operator.admin', 'operator.read', 'operator.write'];
const VERSIONS = [
  { version: '0.1.0', protocol: 3, recipe: OPENCLAW_NODE_3 },
  { version: '0.14.0', protocol: 4, recipe: OPENCLAW_NODE_4 },
];

let product: Product;
beforeAll(async () => {
  product = await startProduct();
  return () => product[Symbol.asyncDispose]();
});

async function collect(chunks: AsyncIterable<Chunk>): Promise<Chunk[]> {
  const all: Chunk[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

function spoken(chunks: readonly Chunk[]): string[] {
  return chunks.filter((chunk) => chunk.type === 'text').map((chunk) => chunk.text);
}

describe.for(VERSIONS)('openclaw-node $version', ({ protocol, recipe }) => {
  const sessionKey = `agent:main:node-${protocol}-${randomUUID()}`;
  let node: OpenClawNode;
  let client: OpenClawClient;
  beforeAll(async () => {
    node = await OpenClawNode.load(recipe, product);
    client = await node.connected();
    return () => node[Symbol.asyncDispose]();
  });

  test('is greeted in its protocol and keeps no token of the gateway', async () => {
    const hello = await node.client().connect();
    expect(hello).toMatchObject({ type: 'hello-ok', protocol });
    const identity = JSON.parse(await readFile(node.identityPath, 'utf8')) as object;
    expect(identity).not.toHaveProperty('deviceToken');
  });

  test('streams a chat to its end', async () => {
    const chunks = await collect(client.chat('#tokens 40 #delay 20', { sessionKey }));
    expect(spoken(chunks).length).toBeGreaterThan(2);
    expect(spoken(chunks).join('')).toBe(words(40));
    expect(chunks.filter((chunk) => chunk.type === 'error')).toEqual([]);
    expect(chunks.at(-1)?.type).toBe('done');
  });

  test('gets a whole answer, also where no session is named', async () => {
    expect(await client.chatSync('#echo whole answer', { sessionKey })).toBe('whole answer');
    expect(await client.chatSync('#echo nowhere named')).toBe('nowhere named');
  });

  test('finds the session in its list and the words in its history', async () => {
    expect(await client.sessions.list()).toMatchObject({
      sessions: expect.arrayContaining([expect.objectContaining({ key: sessionKey })]) as unknown[],
    });
    expect(JSON.stringify(await client.sessions.history(sessionKey))).toContain('whole answer');
  });

  test('is told when the provider refuses', async () => {
    const chunks = await collect(client.chat('#fault 400', { sessionKey }));
    expect(chunks).toContainEqual(
      expect.objectContaining({ type: 'error', text: expect.stringMatching(/./) as string }),
    );
    expect(chunks.at(-1)?.type).toBe('done');
  });

  test('stops a chat', async () => {
    const key = `agent:main:stopped-${randomUUID()}`;
    const chat = client.chat('#tokens 400 #delay 100', { sessionKey: key });
    for await (const chunk of chat) if (chunk.type === 'text') break;
    expect(await client.chatAbort(key)).toMatchObject({ ok: true, aborted: true });
  });

  test('asks for the health', async () => {
    expect(await client.health()).toMatchObject({ ok: true });
  });

  test('may do no more than the scopes it asked for', async () => {
    const ask = (by: OpenClawClient): Promise<unknown> => by.request('set-heartbeats', { enabled: false });
    await expect(ask(client)).rejects.toThrow('missing scope: operator.admin');
    expect(await ask(await node.connected({ scopes: ADMIN }))).toMatchObject({ payload: { ok: true } });
  });

  test('serves a member, also one that asks for more than a member may', async () => {
    const admin = await node.connected({ scopes: ADMIN });
    const made = await admin.request('tokens.create', { userId: `member-${randomUUID()}` });
    const { token } = made.payload as { token: string };
    for (const scopes of [undefined, ['operator.admin', 'operator.approvals', 'operator.pairing']]) {
      const deviceIdentityPath = `${node.identityPath}-${randomUUID()}`;
      const member = await node.connected({ token, deviceIdentityPath, ...(scopes && { scopes }) });
      expect(await member.chatSync('#echo for a member')).toBe('for a member');
      await expect(member.request('set-heartbeats', { enabled: false })).rejects.toThrow(
        'missing scope: operator.admin',
      );
    }
  });

  test('resets and deletes a session', async () => {
    expect(await client.sessions.reset(sessionKey)).toMatchObject({ ok: true, key: sessionKey });
    expect(await client.sessions.history(sessionKey)).toMatchObject({ messages: [] });
    expect(await client.sessions.delete(sessionKey)).toMatchObject({ ok: true, deleted: true });
  });

  test('comes back by itself after the gateway was restarted, and finds its session again', async () => {
    const key = `agent:main:restart-${randomUUID()}`;
    await client.chatSync('#echo before', { sessionKey: key });
    const back = new Promise((resolve) => client.once('connected', resolve));
    await product.restart();
    await back;
    expect(client.isConnected).toBe(true);
    expect(await client.chatSync('#echo after', { sessionKey: key })).toBe('after');
    const history = JSON.stringify(await client.sessions.history(key));
    expect(history).toContain('before');
    expect(history).toContain('after');
  });
});

describe('openclaw-node 0.14.0, beyond what 0.1.0 has', () => {
  let node: OpenClawNode;
  let client: OpenClawClient;
  beforeAll(async () => {
    node = await OpenClawNode.load(OPENCLAW_NODE_4, product);
    client = await node.connected();
    return () => node[Symbol.asyncDispose]();
  });

  test('is turned away with a wrong token', async () => {
    await expect(node.connected({ token: 'wrong', autoReconnect: false })).rejects.toThrow(
      'closed before handshake completed',
    );
  });

  test('knows the methods of the gateway', () => {
    expect(client.availableMethods).toEqual(
      expect.arrayContaining(['agent', 'chat.send', 'sessions.list', 'sessions.messages.subscribe']),
    );
  });

  test('sees the life of a run around its text', async () => {
    const chunks = await collect(client.chat('#echo lived'));
    expect(chunks.map((chunk) => chunk.type)).toEqual(
      expect.arrayContaining(['agent_start', 'text', 'agent_end', 'done']),
    );
    expect(new Set(chunks.map((chunk) => chunk.runId)).size).toBe(1);
  });

  test('follows a session it did not start', async () => {
    const key = `agent:main:followed-${randomUUID()}`;
    const seen: GatewayEvent[] = [];
    const subscription = await client.sessions.subscribeMessages(key, (event) => seen.push(event));
    const other = await node.connected();
    await other.chatSync('#echo overheard', { sessionKey: key });
    await expect.poll(() => seen.map(({ event }) => event)).toContain('session.message');
    expect(JSON.stringify(seen)).toContain('overheard');
    await subscription.unsubscribe();
  });

  test('describes a session, also one that is not there', async () => {
    const key = `agent:main:described-${randomUUID()}`;
    expect(await client.sessions.describe(key)).toMatchObject({ session: null });
    await client.chatSync('#echo described', { sessionKey: key });
    expect(await client.sessions.describe(key)).toMatchObject({
      session: { key, agentId: 'main', sessionId: expect.any(String) as string },
    });
  });

  test('waits for a run', async () => {
    const runId = randomUUID();
    const params = { message: '#echo waited', idempotencyKey: runId, sessionKey: 'agent:main:waited' };
    await client.request('agent', params);
    expect(await client.agentWait(runId)).toMatchObject({ runId, status: 'ok' });
  });

  test('lists the agents, and reads the configuration with its secrets left out', async () => {
    expect(await client.agents.list()).toMatchObject({ agents: [{ id: 'main' }] });
    const admin = await node.connected({ scopes: ADMIN });
    const config = await admin.config.get();
    expect(config).toMatchObject({
      hash: expect.any(String) as string,
      config: expect.any(Object) as object,
    });
    expect(JSON.stringify(config)).not.toContain(product.token);
  });
});
