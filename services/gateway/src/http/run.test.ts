import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { LoggedEvent, RunEvent } from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';
import express from 'express';
import { expect, onTestFinished, test } from 'vitest';
import { createRunViews, replayOf } from '../adapters/run-views.ts';
import type { RunListener, RunView } from '../domain/ports.ts';
import type { Services } from '../services.ts';
import { followRun, type FollowOptions } from './run.ts';
import { openSse, type Sse } from './sse.ts';

const TURN_KEY = 'agent:main:main';
const TURN = { session: { key: TURN_KEY }, runId: 'run' } as never;

type Situation = Readonly<{ mayReturn: boolean; phase?: 'ready' | 'draining' }>;

/** A gateway with one answer under way, and a client that has asked for it and reads nothing. */
async function answering({ mayReturn, phase = 'ready' }: Situation) {
  const aborted: string[] = [];
  let tell: RunListener = () => undefined;
  const services = {
    hub: {
      watchRun: async (_user: string, _run: string, listener: RunListener) => {
        tell = listener;
        return await Promise.resolve(() => undefined);
      },
    },
    desk: {
      submit: async () => await Promise.resolve({ kind: 'accepted', sid: 's', turnId: 't' }),
      abort: async (_principal: unknown, _key: string, runId: string) => {
        aborted.push(runId);
        return await Promise.resolve([runId]);
      },
    },
    lifecycle: { phase: () => phase },
  } as unknown as Services;
  const { promise: closed, resolve: close } = Promise.withResolvers<undefined>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<undefined>();
  const app = express().use((_request, response) => {
    (response.locals as { principal?: object }).principal = { userId: 'u' };
    response.once('close', () => close(undefined));
    let sse: Sse | undefined;
    const sink = {
      accepted: () => {
        sse = openSse(response, { resumable: mayReturn });
        sse.frame('data: begun');
        begin(undefined);
      },
      delta: (text: string) => sse?.frame(`data: ${text}`),
    };
    followRun(services, TURN, response, sink, { mayReturn }).then(
      () => sse?.end('data: [DONE]\n\n'),
      () => sse?.end(),
    );
  });
  const server = app.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  onTestFinished(() => void client.destroy());
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await begun;
  const say = (text: string): void => {
    const event: RunEvent = { t: 'delta', tid: 't', run: 'run', text };
    tell(event, { text, cursor: '1-1' } as RunView);
  };
  return { aborted, client, closed, say };
}

async function leave(client: Socket, closed: Promise<undefined>): Promise<void> {
  client.destroy();
  await closed;
  await new Promise((resolve) => setImmediate(resolve)); // whoever else hears of it has
}

test.each<[string, Situation, string[]]>([
  ['aborts its run, which nobody would read', { mayReturn: false }, ['run']],
  ['may come back for it', { mayReturn: true }, []],
  ['was sent away, when the replica stops', { mayReturn: false, phase: 'draining' }, []],
])('a client that leaves %s', async (_what, situation, expected) => {
  const { aborted, client, closed } = await answering(situation);
  await leave(client, closed);
  expect(aborted).toEqual(expected);
});

test('a client that does not read is let go, and its run goes on if it may come back', async () => {
  const { aborted, client, closed, say } = await answering({ mayReturn: true });
  let gone = false;
  void closed.then(() => (gone = true));
  let text = '';
  while (!gone && text.length < 64_000_000) {
    text += 'x'.repeat(262_144);
    say(text);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(gone).toBe(true);
  expect(aborted).toEqual([]);
  let read = '';
  for await (const chunk of client) read = read.slice(-100) + (chunk as Buffer).toString();
  expect(read).not.toContain('[DONE]');
});

const SESSION = { sid: 's', key: TURN_KEY };
const NAMED = { tid: 't', run: 'run', shown: TURN_KEY } as const;

/** A run of so many pieces of text, without its end. */
function longRun(pieces: number, piece: string): LoggedEvent[] {
  const said = { t: 'delta', tid: 't', run: 'run' } as const;
  const events: RunEvent[] = [
    { t: 'accepted', ...NAMED },
    { t: 'start', ...NAMED, attempt: 1, at: 1 },
    ...Array.from({ length: pieces }, (_, at) => ({ ...said, text: `${at}${piece} ` })),
  ];
  return events.map((e, n) => ({ id: `1-${n}`, prev: '', ...SESSION, n, e }));
}

/** A repeated request for a run that goes on: what its client is sent. */
async function repeating(log: readonly LoggedEvent[]) {
  let tell: RunListener = () => undefined;
  const services = {
    hub: {
      watchRun: async (_user: string, _run: string, listener: RunListener) => {
        tell = listener;
        return await Promise.resolve(() => undefined);
      },
      replay: async () => await Promise.resolve(replayOf(SESSION, log)),
    },
    desk: {
      submit: async () =>
        await Promise.resolve({ kind: 'duplicate', sid: 's', turnId: 't', status: 'running', error: '' }),
    },
    lifecycle: { phase: () => 'ready' },
  } as unknown as Services;
  const { promise: begun, resolve: begin } = Promise.withResolvers<ServerResponse>();
  const app = express().use((_request, response) => {
    (response.locals as { principal?: object }).principal = { userId: 'u' };
    const sse = openSse(response);
    const sink = {
      accepted: () => begin(response),
      delta: (text: string) => sse.data(text),
    };
    void followRun(services, TURN, response, sink, { mayReturn: true }).then(
      () => sse.end('data: "[DONE]"\n\n'),
      () => response.destroy(),
    );
  });
  const server = app.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const asked = fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const answer = await begun;
  return { asked, answer, tell: (...said: Parameters<RunListener>) => tell(...said) };
}

test('T-6: an answer of any length is told again whole, and in order with what is said meanwhile', async () => {
  const log = longRun(20_000, 'x'.repeat(800));
  const views = createRunViews(SESSION);
  for (const event of log) views.advance(event);
  const { asked, answer, tell } = await repeating(log);
  const live = longRun(3_000, 'y').slice(2);
  for (const { e } of live) tell(e, views.advance({ id: `2-${live.length}`, prev: '', ...SESSION, n: 0, e }));
  const text = [...log, ...live].map(({ e }) => (e.t === 'delta' ? e.text : '')).join('');
  const response = await asked;
  await expect.poll(() => answer.writableLength).toBeGreaterThan(0); // its reader takes nothing yet
  for (let at = 0; at < 200; at += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    expect(answer.writableLength).toBeLessThan(1_000_000);
  }
  const message = { content: [{ type: 'text', text }] };
  const end: RunEvent = {
    t: 'end',
    ...NAMED,
    outcome: 'final',
    kind: 'chat',
    message,
    startedAt: 1,
    endedAt: 2,
  };
  tell(end, views.advance({ id: '3-1', prev: '', ...SESSION, n: 0, e: end }));
  const frames = (await response.text()).split('\n\n').filter((frame) => frame.startsWith('data: '));
  const said = frames.map((frame) => JSON.parse(frame.slice('data: '.length)) as string);
  expect(said.pop()).toBe('[DONE]');
  expect(said.join('') === text).toBe(true);
});

/** A request that is refused although it may have been taken; whose run is ended then. */
async function refused(code: 'UNAVAILABLE' | 'BUSY', options: FollowOptions): Promise<string[]> {
  const aborted: string[] = [];
  const services = {
    hub: { watchRun: async () => await Promise.resolve(() => undefined) },
    desk: {
      submit: async () => await Promise.reject(new AppError(code, 'why')),
      abort: async (_principal: unknown, _key: string, runId: string) => {
        aborted.push(runId);
        return await Promise.resolve([runId]);
      },
    },
  } as unknown as Services;
  const response = { locals: { principal: { userId: 'u' } }, once: () => undefined, off: () => undefined };
  await expect(followRun(services, TURN, response as never, {}, options)).rejects.toThrow('why');
  return aborted;
}

test('a run that nobody can come for is ended when its acceptance cannot be vouched for', async () => {
  expect(await refused('UNAVAILABLE', { mayReturn: false })).toEqual(['run']);
  expect(await refused('UNAVAILABLE', { mayReturn: true, repeatable: false })).toEqual(['run']);
  expect(await refused('UNAVAILABLE', { mayReturn: true })).toEqual([]);
  expect(await refused('BUSY', { mayReturn: false })).toEqual([]);
});

test('T-6: the end of an answer reaches its reader however large it is', async () => {
  const app = express().use((_request, response) => {
    const sse = openSse(response);
    for (let at = 0; at < 4; at += 1) sse.data('x'.repeat(1_000_000));
    sse.end('data: [DONE]\n\n');
  });
  const server = app.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  expect((await response.text()).endsWith('[DONE]\n\n')).toBe(true);
});
