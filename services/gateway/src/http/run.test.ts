import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { RunEvent } from '@moltbot/shared/contracts';
import express from 'express';
import { expect, onTestFinished, test } from 'vitest';
import type { RunListener, RunView } from '../domain/ports.ts';
import type { Services } from '../services.ts';
import { followRun } from './run.ts';
import { openSse, type Sse } from './sse.ts';

const TURN = { session: { key: 'agent:main:main' }, runId: 'run' } as never;

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
