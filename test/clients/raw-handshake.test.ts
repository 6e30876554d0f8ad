import { beforeAll, describe, expect, test } from 'vitest';
import { makeDevice, signedDevice } from './support/device.ts';
import { startProduct, type Product } from './support/product.ts';
import { connectParams, connected, RawSocket } from './support/raw-socket.ts';

let product: Product;
beforeAll(async () => {
  product = await startProduct();
  return () => product[Symbol.asyncDispose]();
});

const CLI = { id: 'cli', version: '1', platform: 'linux', mode: 'cli' };
const CONTROL_UI = { id: 'clawdbot-control-ui', version: '1', platform: 'linux', mode: 'webchat' };
const BACKEND = { id: 'gateway-client', version: '1', platform: 'linux', mode: 'backend' };
const MISMATCH = 'unauthorized: gateway token mismatch';

type Refusal = Readonly<{ name: string; changes: object; code?: string; message: string; close: number }>;
const REFUSALS: readonly Refusal[] = [
  {
    name: 'a wrong token from the CLI',
    changes: { client: CLI, auth: { token: 'wrong' } },
    message: `${MISMATCH} (set gateway.remote.token to match gateway.auth.token)`,
    close: 1008,
  },
  {
    name: 'a wrong token from a web chat',
    changes: { client: { ...CONTROL_UI, id: 'webchat-ui' }, auth: { token: 'wrong' } },
    message: `${MISMATCH} (open a tokenized dashboard URL or paste token in Control UI settings)`,
    close: 1008,
  },
  {
    name: 'a wrong token from another program',
    changes: { client: BACKEND, auth: { token: 'wrong' } },
    message: `${MISMATCH} (provide gateway auth token)`,
    close: 1008,
  },
  {
    name: 'neither token nor device',
    changes: { auth: {} },
    code: 'NOT_PAIRED',
    message: 'device identity required',
    close: 1008,
  },
  {
    name: 'the Control UI without a device',
    changes: { client: CONTROL_UI },
    message: 'control ui requires HTTPS or localhost (secure context)',
    close: 1008,
  },
  { name: 'an unknown role', changes: { role: 'king' }, message: 'invalid role', close: 1008 },
  {
    name: 'an unknown property',
    changes: { extra: 1 },
    message: "invalid connect params: at root: unexpected property 'extra'",
    close: 1008,
  },
  {
    name: 'a device whose id is not its key',
    changes: { device: { id: 'aa', publicKey: 'bb', signature: 'cc', signedAt: Date.now() } },
    message: 'device identity mismatch',
    close: 1008,
  },
  {
    name: 'a protocol nobody speaks',
    changes: { minProtocol: 9, maxProtocol: 9 },
    message: 'protocol mismatch',
    close: 1002,
  },
];

describe('a handshake is refused, with the words clients look for', () => {
  test.for(REFUSALS)('$name', async ({ changes, code = 'INVALID_REQUEST', message, close }) => {
    const raw = await RawSocket.open(product.wsUrl);
    const answer = await raw.request('connect', connectParams(product.token, changes));
    expect(answer).toMatchObject({ type: 'res', ok: false, error: { code, message } });
    expect(await raw.closed).toEqual({ code: close, reason: message });
  });

  test('an unknown client id', async () => {
    const raw = await RawSocket.open(product.wsUrl);
    const answer = await raw.request(
      'connect',
      connectParams(product.token, { client: { ...CLI, id: 'x' } }),
    );
    expect(answer.error?.message).toMatch(/^invalid connect params: at \/client\/id: /);
    expect(await raw.closed).toMatchObject({ code: 1008 });
  });
});

type Opening = Readonly<{ name: string; frame: unknown; close: number; reason: RegExp }>;
const OPENINGS: readonly Opening[] = [
  {
    name: 'another request',
    frame: { type: 'req', id: '1', method: 'health' },
    close: 1008,
    reason: /^invalid handshake: first request must be connect$/,
  },
  { name: 'an event', frame: { type: 'event', event: 'x' }, close: 1008, reason: /^invalid request frame$/ },
  { name: 'no JSON', frame: 'hello', close: 1000, reason: /^/ },
];

test.for(OPENINGS)('the first frame is $name: closed', async ({ frame, close, reason }) => {
  const raw = await RawSocket.open(product.wsUrl);
  raw.send(frame);
  expect(await raw.closed).toEqual({ code: close, reason: expect.stringMatching(reason) });
});

describe('a signed device', () => {
  const device = makeDevice();

  test('is let in without being paired first, and gets no token of its own', async () => {
    await using raw = await RawSocket.open(product.wsUrl);
    const signed = signedDevice(device, { token: product.token, nonce: raw.nonce });
    const hello = await raw.request('connect', connectParams(product.token, { device: signed }));
    expect(hello).toMatchObject({ ok: true, payload: { type: 'hello-ok' } });
    expect(JSON.stringify(hello)).not.toContain('deviceToken');
  });

  type Forgery = Readonly<{ name: string; forge: (nonce: string, token: string) => object; message: string }>;
  const FORGERIES: readonly Forgery[] = [
    {
      name: 'signed for another token',
      forge: (nonce) => signedDevice(device, { token: 'another', nonce }),
      message: 'device signature invalid',
    },
    {
      name: 'signed for another challenge',
      forge: (_, token) => signedDevice(device, { token, nonce: 'another' }),
      message: 'device nonce mismatch',
    },
    {
      name: 'signed long ago',
      forge: (nonce, token) => signedDevice(device, { token, nonce, signedAtMs: Date.now() - 11 * 60_000 }),
      message: 'device signature expired',
    },
  ];
  test.for(FORGERIES)('is refused when $name', async ({ forge, message }) => {
    const raw = await RawSocket.open(product.wsUrl);
    const signed = forge(raw.nonce, product.token);
    const answer = await raw.request('connect', connectParams(product.token, { device: signed }));
    expect(answer).toMatchObject({ ok: false, error: { message } });
    expect(await raw.closed).toEqual({ code: 1008, reason: message });
  });
});

test.for([3, 4])('a client of protocol %i is answered in it', async (protocol) => {
  await using raw = await RawSocket.open(product.wsUrl);
  const params = connectParams(product.token, { minProtocol: protocol, maxProtocol: protocol });
  const hello = await raw.request('connect', params);
  expect(hello.payload).toMatchObject({
    type: 'hello-ok',
    protocol,
    server: { version: expect.any(String), connId: expect.any(String) },
    features: {
      methods: expect.arrayContaining(['chat.send', 'agent', 'health']),
      events: expect.any(Array),
    },
    snapshot: {
      presence: expect.any(Array),
      health: expect.any(Object),
      stateVersion: { presence: expect.any(Number), health: expect.any(Number) },
      uptimeMs: expect.any(Number),
      sessionDefaults: { mainSessionKey: expect.any(String), mainKey: expect.any(String) },
    },
    policy: { tickIntervalMs: expect.any(Number), maxPayload: expect.any(Number) },
  });
});

test('a client that speaks both protocols gets the newer', async () => {
  await using raw = await RawSocket.open(product.wsUrl);
  const hello = await raw.request(
    'connect',
    connectParams(product.token, { minProtocol: 3, maxProtocol: 4 }),
  );
  expect(hello.payload).toMatchObject({ protocol: 4 });
});

test('a frame larger than the limit closes the connection with 1009', async () => {
  const raw = await connected(product.wsUrl, connectParams(product.token));
  raw.send({ type: 'req', id: 'big', method: 'health', params: { probe: 'x'.repeat(600 * 1024) } });
  expect(await raw.closed).toMatchObject({ code: 1009 });
});
