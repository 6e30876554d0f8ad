/** Frames that no client of ours would send: an answer or a close code, and nobody else notices. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { connected, connectParams, RawSocket } from '../../clients/support/raw-socket.ts';
import { listen, newPerson, shownText, until, type Listener, type Person } from '../../support/people.ts';
import { startStandalone, type Standalone } from '../../support/standalone.ts';

const LARGEST_FRAME_BYTES = 524_288;

let product: Standalone;
let admin: Listener;
let member: Person;
beforeAll(async () => {
  product = await startStandalone();
  admin = listen(product.wsUrl, product.token);
  member = await newPerson(admin, 'member');
}, 90_000);
afterAll(async () => {
  admin?.client.close();
  await product?.[Symbol.asyncDispose]();
});

const open = async (token = member.token): Promise<RawSocket> =>
  await connected(product.wsUrl, connectParams(token));

/** Whether the connection is as good as before. */
async function stillAnswers(raw: RawSocket): Promise<boolean> {
  return (await raw.request('agents.list', {})).ok === true;
}

describe.concurrent('a frame', () => {
  test('that is no JSON is ignored', async () => {
    await using raw = await open();
    for (const junk of ['', '{', 'hello', '\u0000', '{"type":"req"']) raw.send(junk);
    expect(await stillAnswers(raw)).toBe(true);
  });

  test.each([
    ['no object', '[1,2]', 'invalid'],
    ['null', 'null', 'invalid'],
    ['no method', '{"type":"req","id":"a"}', 'a'],
    ['an unknown member', '{"type":"req","id":"b","method":"health","also":1}', 'b'],
    ['another type', '{"type":"res","id":"c","ok":true}', 'c'],
    ['an id that is no string', '{"type":"req","id":7,"method":"health"}', 'invalid'],
  ])('that is JSON and no request (%s) is refused under its id', async (_, frame, id) => {
    await using raw = await open();
    raw.send(frame);
    const { ok, error } = await raw.response(id);
    expect(ok).toBe(false);
    expect(error?.code).toBe('INVALID_REQUEST');
    expect(error?.message).toMatch(/^invalid request frame: /);
    expect(await stillAnswers(raw)).toBe(true);
  });

  test('with an unknown method is refused, by scope before anything else', async () => {
    await using raw = await open();
    for (const method of ['no.such', 'constructor', '__proto__', 'toString']) {
      const { error } = await raw.request(method, {});
      expect(error).toMatchObject({ code: 'INVALID_REQUEST', message: 'missing scope: operator.admin' });
    }
    await using asAdmin = await open(product.token);
    const { error } = await asAdmin.request('no.such', {});
    expect(error?.message).toBe('unknown method: no.such');
    expect(await stillAnswers(asAdmin)).toBe(true);
  });

  test('with parameters that fit nothing is refused in upstream’s words', async () => {
    await using raw = await open();
    const { error } = await raw.request('chat.send', { sessionKey: 'main', message: '', more: 1 });
    expect(error?.message).toMatch(/^invalid chat\.send params: /);
    expect(error?.message).toContain("must have required property 'idempotencyKey'");
    expect(error?.message).toContain("unexpected property 'more'");
    expect(error?.message).toContain('at /message: must NOT have fewer than 1 characters');
    expect(await stillAnswers(raw)).toBe(true);
  });

  test('that is too large closes its connection alone, with 1009', async () => {
    const runId = randomUUID();
    await using other = await open();
    using own = listen(product.wsUrl, member.token);
    await own.request('health');
    const send = { sessionKey: 'main', message: '#tokens 30 #delay 20', idempotencyKey: runId };
    await own.request('chat.send', send);
    const raw = await open();
    raw.send(
      JSON.stringify({ type: 'req', id: 'x', method: 'health', params: 'x'.repeat(LARGEST_FRAME_BYTES) }),
    );
    expect((await raw.closed).code).toBe(1009);
    const early = await RawSocket.open(product.wsUrl); // before the handshake as well
    early.send('x'.repeat(LARGEST_FRAME_BYTES + 1));
    expect((await early.closed).code).toBe(1009);
    expect(await stillAnswers(other)).toBe(true);
    expect(shownText(await own.end(runId))).toMatch(/^t1 .* t30$/);
  });

  test('of the largest size is taken', async () => {
    await using raw = await open();
    const frame = { type: 'req', id: 'big', method: 'agents.list', params: { x: '' } };
    const room = LARGEST_FRAME_BYTES - JSON.stringify(frame).length;
    raw.send(JSON.stringify({ ...frame, params: { x: 'y'.repeat(room) } }));
    expect((await raw.response('big')).error?.message).toContain("unexpected property 'x'");
  });

  test('that asks to connect a second time is refused, and the first connection stays', async () => {
    await using raw = await open();
    const { error } = await raw.request('connect', connectParams(product.token));
    expect(error?.message).toBe('connect is only valid as the first request');
    expect((await raw.request('config.set', { raw: '{}' })).error?.message).toBe(
      'missing scope: operator.admin',
    );
  });

  test('sent by somebody who leaves at once is not waited for', async () => {
    const people = await Promise.all(
      Array.from({ length: 10 }, async (_, at) => await newPerson(admin, `hasty-${at}`)),
    );
    for (const { token } of people) {
      const socket = new WebSocket(product.wsUrl);
      await once(socket, 'open');
      socket.send(JSON.stringify({ type: 'req', id: 'c', method: 'connect', params: connectParams(token) }));
      socket.terminate();
    }
    for (const { token } of people) {
      await using raw = await open(token);
      const { payload } = await raw.request('system-presence', {});
      const modes = (payload as { mode: string }[]).map(({ mode }) => mode);
      expect(modes).toEqual(['gateway', 'test']);
    }
  });
});

describe('too much', () => {
  test('subscriptions of one connection are refused', async () => {
    await using raw = await open();
    const follow = (key: string) => raw.request('sessions.messages.subscribe', { key });
    for (let at = 0; at < 500; at += 1) expect((await follow(`followed-${at}`)).ok).toBe(true);
    const { error } = await follow('one-more');
    expect(error?.message).toBe('too many subscriptions: a connection may follow 500 sessions');
    expect((await follow('followed-0')).ok).toBe(true);
  });

  test('sockets get 503, and there is room again when one leaves', async () => {
    await using small = await startStandalone({ env: { GATEWAY_MAX_SOCKETS: '2' } });
    await using first = await RawSocket.open(small.wsUrl);
    const second = await RawSocket.open(small.wsUrl);
    const refused = new WebSocket(small.wsUrl);
    const [error] = (await once(refused, 'error')) as [Error];
    expect(error.message).toBe('Unexpected server response: 503');
    await second[Symbol.asyncDispose]();
    await until(async () => {
      const again = await RawSocket.open(small.wsUrl).catch(() => undefined);
      await again?.[Symbol.asyncDispose]();
      return again !== undefined;
    }, 'room for one more');
    expect((await first.request('connect', connectParams(small.token))).ok).toBe(true);
  });
});
