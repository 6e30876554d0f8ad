import { expect, onTestFinished, test, vi } from 'vitest';
import { createNodeClient } from '../node.ts';
import {
  type Method,
  Refusal,
  type ScriptedGateway,
  startScriptedGateway,
} from '../testing/scripted-gateway.ts';
import { followSession } from './follow-session.ts';

const KEY = 'agent:main:main';
const SID = '7d1f0a52-9d3e-4d5a-9a3c-0d9b9d1c5a11';
const INFO = { id: 'test', mode: 'test', version: '0.0.0', platform: 'test' } as const;

const place = (at: string): string => `${SID}/${at}`;
const frame = (at: string, sessionKey = KEY) => ({
  runId: 'r',
  sessionKey,
  seq: 1,
  state: 'delta',
  cursor: place(at),
});
const answer = (at: string, ...frames: string[]) => ({
  ...{ sessionKey: KEY, sessionId: SID, cursor: place(at), gap: false, runs: [] },
  frames: frames.map((one) => ({ event: 'chat', payload: frame(one) })),
});

type Fixture = Readonly<{ gateway: ScriptedGateway; heard: string[] }>;

/** A program that follows a session, and all it was told: places in the stream, and how its connections began. */
async function follow(resume?: Method): Promise<Fixture> {
  const script = resume && { methods: { 'chat.resume': resume }, features: ['chat.resume'] };
  const gateway = await startScriptedGateway(script);
  const client = createNodeClient({ url: gateway.url, token: 't', client: INFO });
  const heard: string[] = [];
  followSession(client, KEY, {
    frame: ({ payload }) => heard.push((payload as { cursor?: string }).cursor?.split('/')[1] ?? 'no cursor'),
    resumed: ({ gap }) => heard.push(gap ? 'gap' : 'resumed'),
    restarted: () => heard.push('restarted'),
  });
  onTestFinished(async () => {
    client.close();
    await gateway[Symbol.asyncDispose]();
  });
  await eventually(() => expect(heard).toEqual(['restarted']));
  return { gateway, heard };
}

const eventually = (check: () => void) => vi.waitFor(check, { timeout: 5_000, interval: 10 });
const tell = ({ gateway }: Fixture, ...places: string[]): void => {
  for (const one of places) gateway.broadcast('chat', frame(one));
};
const asked = ({ gateway }: Fixture): unknown[] => gateway.requests.map(({ params }) => params);

/** Loses the connection once everything has arrived, and waits for the next. */
async function reconnect({ gateway, heard }: Fixture, lastHeard: string): Promise<void> {
  await eventually(() => expect(heard.at(-1)).toBe(lastHeard));
  const [peer] = gateway.peers;
  peer?.close(1012, 'service restart');
  await eventually(() => expect(gateway.peers[0]).not.toBe(peer));
  await eventually(() => expect(gateway.peers).toHaveLength(1));
}

test('what is told again is heard once', async () => {
  const one = await follow();
  tell(one, '9-1', '9-2.1', '9-1', '9-2.1', '9-2', '9-2.1', '10-1', '9-99', '10-10', '10-9');
  one.gateway.broadcast('chat', frame('99-1', 'agent:main:other'));
  one.gateway.broadcast('chat', { ...frame('1-1'), cursor: undefined });
  await eventually(() =>
    expect(one.heard.slice(1)).toEqual(['9-1', '9-2.1', '9-2', '10-1', '10-10', 'no cursor']),
  );
});

test('frames that come before the answer wait for it, and are not told twice', async () => {
  const said = Promise.withResolvers<unknown>();
  const one = await follow((_params, peer) => {
    for (const at of ['1-3', '1-4', '1-5', '1-6']) peer.event('chat', frame(at));
    return said.promise;
  });
  tell(one, '1-1', '1-2');
  await reconnect(one, '1-2');
  await eventually(() => expect(asked(one)).toEqual([{ sessionKey: KEY, cursor: place('1-2') }]));
  expect(one.heard).toEqual(['restarted', '1-1', '1-2']);
  said.resolve(answer('1-5', '1-3', '1-4', '1-5'));
  await eventually(() =>
    expect(one.heard.slice(1)).toEqual(['1-1', '1-2', '1-3', '1-4', '1-5', 'resumed', '1-6']),
  );
});

test('the news in a frame begins where the answer ended', async () => {
  const said = (at: string, text: string, delta: string) => ({
    ...{ runId: 'r', sessionKey: KEY, seq: 1, ts: 1, stream: 'assistant', data: { text, delta } },
    cursor: place(at),
  });
  const gateway = await startScriptedGateway({
    methods: {
      'chat.resume': (_params, peer) => {
        peer.event('agent', said('1-4.1', 'one two three four', ' three four')); // it had told somebody else so far
        peer.event('agent', said('1-5.1', 'one two three four five', ' five'));
        const payload = said('1-3.1', 'one two three', ' two three');
        const run = { runId: 'r', sessionKey: KEY, state: 'running', text: 'one two three', attempt: 1 };
        return { ...answer('1-3'), frames: [{ event: 'agent', payload }], runs: [run] };
      },
    },
    features: ['chat.resume'],
  });
  const client = createNodeClient({ url: gateway.url, token: 't', client: INFO });
  onTestFinished(async () => {
    client.close();
    await gateway[Symbol.asyncDispose]();
  });
  let told = '';
  followSession(client, KEY, {
    frame: ({ payload }) => (told += (payload as { data: { delta: string } }).data.delta),
    resumed: () => (told += '|'),
    restarted: () => undefined,
  });
  await eventually(() => expect(gateway.peers).toHaveLength(1));
  gateway.broadcast('agent', said('1-1.1', 'one', 'one'));
  await eventually(() => expect(told).toBe('one'));
  gateway.peers[0]?.close(1012, 'service restart');
  await eventually(() => expect(told).toBe('one two three| four five'));
});

test('a hole in the numbers of the events is filled in the same way', async () => {
  const one = await follow(() => answer('1-4', '1-2', '1-3', '1-4'));
  one.gateway.peers[0]?.event('chat', frame('1-1'), 7);
  one.gateway.peers[0]?.event('chat', frame('1-5'), 11);
  await eventually(() => expect(one.heard.slice(1)).toEqual(['1-1', '1-2', '1-3', '1-4', 'resumed', '1-5']));
});

test('after a gap the place is the one of the answer', async () => {
  const one = await follow(() => ({ ...answer('2-5'), gap: true }));
  tell(one, '2-9');
  await reconnect(one, '2-9');
  await eventually(() => expect(one.heard.at(-1)).toBe('gap'));
  tell(one, '2-5', '2-6');
  await eventually(() => expect(one.heard.slice(1)).toEqual(['2-9', 'gap', '2-6']));
});

test('a busy server is asked again when it says so', async () => {
  let refusals = 2;
  const one = await follow(() => {
    refusals -= 1;
    if (refusals >= 0)
      throw new Refusal({ code: 'UNAVAILABLE', message: 'no Redis', retryable: true, retryAfterMs: 5 });
    return answer('1-2', '1-2');
  });
  tell(one, '1-1');
  await reconnect(one, '1-1');
  await eventually(() => expect(one.heard.slice(1)).toEqual(['1-1', '1-2', 'resumed']));
  expect(asked(one)).toHaveLength(3);
});

test('a server that cannot tell is not asked: the history is read, and what comes is heard', async () => {
  const one = await follow();
  tell(one, '1-1');
  await reconnect(one, '1-1');
  await eventually(() => expect(one.heard.at(-1)).toBe('restarted'));
  tell(one, '1-1', '1-2');
  await eventually(() => expect(one.heard.slice(1)).toEqual(['1-1', 'restarted', '1-1', '1-2']));
});

test('one that refuses, or answers nonsense, is asked once', async () => {
  const refuse: Method = () =>
    Promise.reject(new Refusal({ code: 'INVALID_REQUEST', message: 'what cursor?' }));
  for (const method of [refuse, () => ({ frames: 'none' })]) {
    const one = await follow(method);
    tell(one, '1-1');
    await reconnect(one, '1-1');
    await eventually(() => expect(one.heard.slice(1)).toEqual(['1-1', 'restarted']));
    expect(asked(one)).toHaveLength(1);
  }
});

test('more than can be kept while the answer is awaited is asked for again', async () => {
  let calls = 0;
  const one = await follow(async (_params, peer) => {
    calls += 1;
    if (calls > 1) return answer('1-6001', '1-6001');
    for (let at = 2; at <= 6_001; at += 1) peer.event('chat', frame(`1-${at}`));
    await new Promise((resolve) => setTimeout(resolve, 0));
    return answer('1-1');
  });
  tell(one, '1-1');
  await reconnect(one, '1-1');
  await eventually(() => expect(one.heard.slice(1)).toEqual(['1-1', 'resumed', '1-6001', 'resumed']));
  expect(asked(one).at(-1)).toEqual({ sessionKey: KEY, cursor: place('1-1') });
});
