import { describe, expect, test, vi } from 'vitest';
import type { MoltbotClient } from './client.ts';
import { createDeviceIdentity } from './device.ts';
import { createNodeClient } from './node.ts';
import type { ClientOptions } from './options.ts';
import { Refusal, type ScriptOptions, startScriptedGateway, Twice } from './testing/scripted-gateway.ts';

const INFO = { id: 'test', mode: 'test', version: '0.0.0', platform: 'test' } as const;

function connect(url: string, options: Partial<ClientOptions> = {}): MoltbotClient & Disposable {
  const client = createNodeClient({ url, token: 'a-token', client: INFO, ...options });
  return Object.assign(client, { [Symbol.dispose]: () => client.close() });
}

async function pair(script: ScriptOptions = {}, options: Partial<ClientOptions> = {}) {
  const gateway = await startScriptedGateway(script);
  const client = connect(gateway.url, options);
  return {
    gateway,
    client,
    [Symbol.asyncDispose]: async () => {
      client.close();
      await gateway[Symbol.asyncDispose]();
    },
  };
}

const reaches = (client: MoltbotClient, status: string) =>
  vi.waitFor(() => expect(client.state.status).toBe(status), { timeout: 5_000 });

describe('handshake', () => {
  test('answers with the token, the range of protocols and who is asking', async () => {
    await using t = await pair();
    await reaches(t.client, 'open');
    expect(t.gateway.peers[0]?.connect).toMatchObject({
      minProtocol: 3,
      maxProtocol: 4,
      client: INFO,
      auth: { token: 'a-token' },
    });
    expect(t.client.hello?.protocol).toBe(4);
  });

  test('connects without a nonce to a server that sends no challenge', async () => {
    await using t = await pair({ challenge: false });
    await reaches(t.client, 'open');
    expect(t.gateway.peers).toHaveLength(1);
  });

  test('signs the challenge with the device key over exactly what it sends', async () => {
    const keys = (await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify'])) as CryptoKeyPair;
    await using t = await pair(
      {},
      { device: await createDeviceIdentity(keys), scopes: ['operator.read', 'operator.write'] },
    );
    await reaches(t.client, 'open');
    const device = (t.gateway.peers[0]?.connect['device'] ?? {}) as Record<string, string>;
    const signed = [
      'v2',
      device['id'],
      'test',
      'test',
      'operator',
      'operator.read,operator.write',
      device['signedAt'],
      'a-token',
      device['nonce'],
    ];
    const signature = Buffer.from(device['signature'] ?? '', 'base64url');
    await expect(
      crypto.subtle.verify('Ed25519', keys.publicKey, signature, Buffer.from(signed.join('|'))),
    ).resolves.toBe(true);
  });

  test('a refused token closes for good, with the reason of the server', async () => {
    const message = 'unauthorized: gateway token mismatch (provide gateway auth token)';
    await using t = await pair({
      authorize: () => {
        throw new Refusal({ code: 'INVALID_REQUEST', message });
      },
    });
    const request = t.client.request('health');
    await expect(request).rejects.toMatchObject({ code: 'CLOSED', message });
    expect(t.client.state).toMatchObject({ status: 'closed', reason: message, errorCode: 'INVALID_REQUEST' });
  });

  test('a server that is not ready yet is tried again', async () => {
    let tries = 0;
    await using t = await pair({
      authorize: () => {
        tries += 1;
        if (tries === 1) throw new Refusal({ code: 'UNAVAILABLE', message: 'starting', retryable: true });
      },
    });
    await reaches(t.client, 'open');
    expect(tries).toBe(2);
  });

  test('a server that says when to come back is not asked sooner', async () => {
    let tries = 0;
    await using t = await pair({
      authorize: () => {
        tries += 1;
        const error = { code: 'UNAVAILABLE', message: 'full', retryable: true, retryAfterMs: 3_000 };
        if (tries === 1) throw new Refusal(error);
      },
    });
    await reaches(t.client, 'waiting');
    expect((t.client.state.retryAtMs ?? 0) - Date.now()).toBeGreaterThan(2_000);
    t.client.reconnect(); // a person may be less patient
    await reaches(t.client, 'open');
  });

  test('a renewed token is asked for before every attempt', async () => {
    let issued = 0;
    await using t = await pair({}, { token: () => Promise.resolve(`token-${(issued += 1)}`) });
    await reaches(t.client, 'open');
    t.gateway.peers[0]?.close(1012, 'service restart');
    await vi.waitFor(
      () => expect(t.gateway.peers[0]?.connect).toMatchObject({ auth: { token: 'token-2' } }),
      5_000,
    );
  });
});

describe('requests', () => {
  test('one made before the connection is open is sent when it is', async () => {
    await using t = await pair({ methods: { echo: (params) => params } });
    await expect(t.client.request('echo', { a: 1 })).resolves.toEqual({ a: 1 });
  });

  test('a refusal carries code, details and when to come back', async () => {
    const error = {
      code: 'UNAVAILABLE',
      message: 'busy',
      retryable: true,
      retryAfterMs: 700,
      details: { queued: 9 },
    };
    await using t = await pair({ methods: { work: () => Promise.reject(new Refusal(error)) } });
    await expect(t.client.request('work')).rejects.toMatchObject({ name: 'RequestError', ...error });
  });

  test('the first answer is enough, unless the final one is wanted', async () => {
    const agent = () => new Twice({ status: 'accepted' }, { status: 'ok' });
    await using t = await pair({ methods: { agent } });
    await expect(t.client.request('agent')).resolves.toEqual({ status: 'accepted' });
    await expect(t.client.request('agent', {}, { expectFinal: true })).resolves.toEqual({ status: 'ok' });
  });

  test('time runs out, or the caller gives up', async () => {
    await using t = await pair({ methods: { never: () => new Promise(() => undefined) } });
    await expect(t.client.request('never', {}, { timeoutMs: 30 })).rejects.toMatchObject({ code: 'TIMEOUT' });
    await expect(t.client.request('never', {}, { signal: AbortSignal.timeout(30) })).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });

  test('a frame the server would cut us off for is refused here', async () => {
    await using t = await pair({ maxPayload: 4_096 });
    await expect(t.client.request('echo', { text: 'é'.repeat(3_000) })).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
    });
    expect(t.client.state.status).toBe('open');
  });

  test('one whose fate is unknown is rejected when the connection breaks, and not repeated', async () => {
    await using t = await pair({
      methods: { hang: (_params, peer) => (peer.close(1011, 'oops'), new Promise(() => undefined)) },
    });
    await expect(t.client.request('hang')).rejects.toMatchObject({ code: 'DISCONNECTED', retryable: true });
    await reaches(t.client, 'open');
    expect(t.gateway.requests).toHaveLength(1);
  });
});

describe('coming back', () => {
  test.each([1000, 1001, 1011, 1012, 1013])('after close %i', async (code) => {
    await using t = await pair();
    await reaches(t.client, 'open');
    const [first] = t.gateway.peers;
    const states: string[] = [];
    t.client.on('state', (state) => states.push(state.status));
    first?.close(code, 'bye');
    await vi.waitFor(() => expect(states).toEqual(['waiting', 'connecting', 'open']), 5_000);
    expect(t.gateway.peers[0]).not.toBe(first);
  });

  test.each([
    [1008, 'unauthorized: token revoked', 'closed'],
    [1008, 'slow consumer', 'waiting'],
    [1013, 'slow consumer; cursor=7d1f0a52-9d3e-4d5a-9a3c-0d9b9d1c5a11/1764097806000-3', 'waiting'],
    [1002, 'protocol mismatch', 'closed'],
    [4401, 'unauthenticated', 'closed'],
  ])('close %i %s leads to %s', async (code, reason, status) => {
    await using t = await pair();
    await reaches(t.client, 'open');
    t.gateway.peers[0]?.close(code, reason);
    await reaches(t.client, status);
    expect(t.client.state).toMatchObject({ reason, closeCode: code });
  });

  test('not when the caller wants one connection only', async () => {
    await using t = await pair({}, { reconnect: false });
    await reaches(t.client, 'open');
    t.gateway.peers[0]?.close(1012, 'service restart');
    await reaches(t.client, 'closed');
    expect(t.client.state).toMatchObject({ closeCode: 1012, reason: 'service restart' });
  });

  test('a silent connection is closed with 4000 after two intervals', async () => {
    await using t = await pair({ tickIntervalMs: 40 });
    await reaches(t.client, 'open');
    await reaches(t.client, 'waiting');
    expect(t.client.state).toMatchObject({ closeCode: 4000, reason: 'tick timeout' });
  });

  test('a ticking connection is left alone', async () => {
    await using t = await pair({ tickIntervalMs: 40 });
    await reaches(t.client, 'open');
    let heard = 0;
    t.client.on('event', () => (heard += 1));
    const ticking = setInterval(() => t.gateway.broadcast('tick', { ts: Date.now() }), 20);
    await vi.waitFor(() => expect(heard).toBeGreaterThan(12), 5_000);
    clearInterval(ticking);
    expect(t.client.state.status).toBe('open');
  });

  test('a port nobody listens on is said in plain words', async () => {
    const gateway = await startScriptedGateway();
    await gateway[Symbol.asyncDispose]();
    using client = connect(gateway.url, { reconnect: false });
    await expect(client.request('health')).rejects.toMatchObject({
      code: 'CLOSED',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('a closed client can be revived', async () => {
    await using t = await pair();
    await reaches(t.client, 'open');
    t.client.close();
    expect(t.client.state).toMatchObject({ status: 'closed', reason: 'closed by the client' });
    t.client.reconnect();
    await reaches(t.client, 'open');
  });
});

test('a hole in the numbers of the events is told, and the event is heard all the same', async () => {
  await using t = await pair();
  await reaches(t.client, 'open');
  const gaps: unknown[] = [];
  const events: string[] = [];
  t.client.on('gap', (gap) => gaps.push(gap));
  t.client.on('event', (frame) => events.push(frame.event));
  const [peer] = t.gateway.peers;
  peer?.event('tick', {}, 40);
  peer?.event('tick', {}, 41);
  peer?.event('health', {}, 44);
  await vi.waitFor(() => expect(events).toEqual(['tick', 'tick', 'health']));
  expect(gaps).toEqual([{ expected: 42, received: 44 }]);
});
