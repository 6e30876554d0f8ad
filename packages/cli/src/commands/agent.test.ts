import { type Method, Refusal, Twice } from '@moltbot/client/testing';
import { describe, expect, test, vi } from 'vitest';
import { bench, moltbot, type Outcome } from '../testing/command-line.ts';

describe('agent', () => {
  const answer = (runId: unknown, text: string) => ({
    runId,
    status: 'ok',
    result: { payloads: [{ text, mediaUrl: null }] },
  });

  test('prints the answer as it comes, once', async () => {
    await using t = await bench({
      agent: async ({ idempotencyKey: runId }, peer) => {
        for (const [seq, text] of ['Hel', 'Hello', 'Hello there'].entries()) {
          peer.event('agent', { runId, seq, ts: 1, stream: 'assistant', data: { text } });
        }
        await Promise.resolve();
        return new Twice({ runId, status: 'accepted' }, answer(runId, 'Hello there.'));
      },
    });
    expect(await t.moltbot('agent', '--message', 'hi')).toMatchObject({ code: 0, out: 'Hello there.\n' });
    expect(t.gateway.requests[0]?.params).toMatchObject({
      message: 'hi',
      sessionKey: 'agent:main:main',
      deliver: false,
    });
  });

  test('a gateway that restarts costs a reconnect: the same key is asked again', async () => {
    let asked = 0;
    await using t = await bench({
      agent: ({ idempotencyKey: runId }, peer) => {
        asked += 1;
        if (asked > 1) return new Twice({ runId, status: 'accepted' }, answer(runId, 'done'));
        peer.close(1012, 'service restart');
        return new Promise(() => undefined);
      },
    });
    expect(await t.moltbot('agent', '-m', 'hi', '--session-key', 'notes')).toMatchObject({
      code: 0,
      out: 'done\n',
    });
    const keys = t.gateway.requests.map((r) => (r.params as { idempotencyKey: string }).idempotencyKey);
    expect(new Set(keys).size).toBe(1);
    expect(keys).toHaveLength(2);
  });

  test('what was said during a reconnect is printed once, whatever is told again', async () => {
    const sid = '7d1f0a52-9d3e-4d5a-9a3c-0d9b9d1c5a11';
    const said = (runId: unknown, seq: number, text: string) => ({
      ...{ runId, sessionKey: 'agent:main:main', seq, ts: 1, stream: 'assistant', data: { text } },
      cursor: `${sid}/7-${seq}.1`,
    });
    const resumed = Promise.withResolvers<unknown>();
    let runId: unknown;
    const agent: Method = async ({ idempotencyKey }, peer) => {
      if (runId === undefined) {
        runId = idempotencyKey;
        peer.event('agent', said(runId, 1, 'one '));
        peer.close(1012, 'service restart');
        return new Promise(() => undefined);
      }
      peer.event('agent', said(runId, 1, 'one ')); // a replica that had not heard of it yet
      peer.event('agent', said(runId, 4, 'one two three four '));
      await resumed.promise;
      return new Twice({ runId, status: 'accepted' }, answer(runId, 'one two three four five'));
    };
    const resume: Method = (params) => {
      resumed.resolve(params);
      const frames = [{ event: 'agent', payload: said(runId, 3, 'one two three ') }];
      return { sessionKey: 'agent:main:main', cursor: `${sid}/7-3`, gap: false, frames, runs: [] };
    };
    await using t = await bench({ agent, 'chat.resume': resume }, ['agent', 'chat.resume']);
    expect(await t.moltbot('agent', '-m', 'hi')).toMatchObject({ code: 0, out: 'one two three four five\n' });
    expect(await resumed.promise).toEqual({ sessionKey: 'agent:main:main', cursor: `${sid}/7-1.1` });
  });

  test('an attempt that begins again says what differs, and only that', async () => {
    await using t = await bench({
      agent: ({ idempotencyKey: runId }, peer) => {
        for (const [seq, text] of ['one two', 'one', 'one two three'].entries())
          peer.event('agent', { runId, seq, ts: 1, stream: 'assistant', data: { text } });
        return new Twice({ runId, status: 'accepted' }, answer(runId, 'one two three.'));
      },
    });
    expect(await t.moltbot('agent', '-m', 'hi')).toMatchObject({ code: 0, out: 'one two three.\n' });
  });

  test('an answer that ended while the gateway was away is read from the history', async () => {
    let asked = 0;
    const block = (text: string) => [{ type: 'text', text }];
    const runIds: unknown[] = [];
    await using t = await bench({
      agent: ({ idempotencyKey: runId }, peer) => {
        asked += 1;
        runIds.push(runId);
        if (asked > 1) return { runId, status: 'ok', summary: 'completed' };
        peer.close(1012, 'service restart');
        return new Promise(() => undefined);
      },
      'chat.history': () => ({
        messages: [
          { role: 'assistant', content: block('another'), runId: 'x' },
          { role: 'user', content: block('hi'), runId: runIds[0] },
          { role: 'assistant', content: block('kept'), runId: runIds[0] },
        ],
      }),
    });
    expect(await t.moltbot('agent', '-m', 'hi')).toMatchObject({ code: 0, out: 'kept\n' });
  });

  test('Ctrl-C aborts the run on the gateway', async () => {
    const interrupt = new AbortController();
    const aborted = Promise.withResolvers<unknown>();
    await using t = await bench({
      agent: async ({ idempotencyKey: runId }) => {
        interrupt.abort();
        await aborted.promise;
        return answer(runId, '');
      },
      'chat.abort': (params) => (aborted.resolve(params), { ok: true, aborted: true }),
    });
    const env = { MOLTBOT_GATEWAY_URL: t.gateway.url, MOLTBOT_GATEWAY_TOKEN: 'x' };
    const outcome: Outcome = await moltbot(['agent', '-m', 'hi'], { env, interrupted: interrupt.signal });
    expect(outcome.code).toBe(130);
    await vi.waitFor(() => expect(t.gateway.requests.some((r) => r.method === 'chat.abort')).toBe(true));
  });

  test('a failed turn ends with 1', async () => {
    await using t = await bench({
      agent: () => Promise.reject(new Refusal({ code: 'UNAVAILABLE', message: 'budget exhausted' })),
    });
    expect(await t.moltbot('agent', '-m', 'hi')).toMatchObject({
      code: 1,
      err: expect.stringContaining('budget exhausted'),
    });
  });
});
