import { describe, expect, test } from 'vitest';
import { bench, moltbot } from '../testing/command-line.ts';

describe('logs', () => {
  const line = JSON.stringify({ level: 40, time: 1_763_884_800_000, msg: 'unauthorized', conn: 7 });
  const tail = () => ({
    file: '/var/log/moltbot/gateway.log',
    cursor: 10,
    size: 10,
    lines: [line, 'not json'],
  });

  test('are readable', async () => {
    await using t = await bench({ 'logs.tail': tail });
    expect((await t.moltbot('logs', '--limit', '2')).out).toBe(
      'Log file: /var/log/moltbot/gateway.log\n2025-11-23T08:00:00.000Z warn unauthorized conn=7\nnot json\n',
    );
    expect(t.gateway.requests[0]?.params).toMatchObject({ limit: 2 });
  });

  test('are JSON lines for programs', async () => {
    await using t = await bench({ 'logs.tail': tail });
    const lines = (await t.moltbot('logs', '--json')).out
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as unknown);
    expect(lines).toMatchObject([
      { type: 'meta', cursor: 10 },
      { type: 'log', msg: 'unauthorized' },
      { type: 'raw', raw: 'not json' },
    ]);
  });

  test('go on from the cursor until Ctrl-C', async () => {
    const interrupt = new AbortController();
    let asked = 0;
    await using t = await bench({
      'logs.tail': ({ cursor }) => {
        asked += 1;
        if (asked === 4) interrupt.abort();
        return { ...tail(), cursor: Number(cursor ?? 0) + 1, lines: [`line ${asked}`] };
      },
    });
    const env = { MOLTBOT_GATEWAY_URL: t.gateway.url, MOLTBOT_GATEWAY_TOKEN: 'x' };
    const outcome = await moltbot(['logs', '--follow', '--interval', '5', '--plain'], {
      env,
      interrupted: interrupt.signal,
    });
    expect(outcome.out).toContain('line 1\nline 2\nline 3\n');
    expect(t.gateway.requests.map((r) => (r.params as { cursor?: number }).cursor)).toEqual([
      undefined,
      1,
      2,
      3,
    ]);
  });
});
