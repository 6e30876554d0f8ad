/** The gateway token of the guide: from the environment, long enough, rotated without an outage. */
import { createNodeClient } from '@moltbot/client/node';
import { expect, test } from 'vitest';
import { GATEWAY_TOKEN, startGuideServer } from './server.ts';

/** As printed in the guide. */
const AUTH = `{
  "gateway": {
    "auth": {
      "mode": "token",
      "token": "\${CLAWDBOT_GATEWAY_TOKEN}"  // 从环境变量读取
    }
  }
}`;
const NEXT_TOKEN = 'the-next-gateway-token-'.padEnd(40, '9');
const health = (token: string): string => `moltbot health --token ${token}`;

test('G-9: the token comes from the environment and is never shown', async () => {
  await using server = await startGuideServer(AUTH);
  expect((await server.run(health(GATEWAY_TOKEN))).code).toBe(0);
  const wrong = await server.run(health('wrong-token'.padEnd(40, '0')));
  expect(wrong).toMatchObject({ code: 1, out: '' });
  expect(wrong.err).toMatch(/unauthorized: gateway token mismatch/);
  const shown = await server.says("moltbot gateway call config.get --params '{}'");
  expect(shown).not.toContain(GATEWAY_TOKEN);
  expect(shown).toContain('${CLAWDBOT_GATEWAY_TOKEN}');
});

test('G-9: a token of 31 characters does not start; one of 32 does', async () => {
  const short = startGuideServer(AUTH, { CLAWDBOT_GATEWAY_TOKEN: 'x'.repeat(31) });
  await expect(short).rejects.toThrow(/has 31 characters; at least 32 are required/);
  await using server = await startGuideServer(AUTH, { CLAWDBOT_GATEWAY_TOKEN: 'x'.repeat(32) });
  expect((await server.run('moltbot health')).code).toBe(0);
});

test('G-9: a token that is not set does not start, and is named', async () => {
  await expect(startGuideServer(AUTH, { CLAWDBOT_GATEWAY_TOKEN: '' })).rejects.toThrow(
    'Missing env var "CLAWDBOT_GATEWAY_TOKEN" referenced at config path: gateway.auth.token',
  );
});

test('G-9: while a token is replaced both are valid; taking the old one away closes its connections', async () => {
  await using server = await startGuideServer(
    `{ gateway: { auth: { token: '\${NEXT}', previousToken: '\${CLAWDBOT_GATEWAY_TOKEN}' } } }`,
    { NEXT: NEXT_TOKEN },
  );
  expect((await server.run(health(GATEWAY_TOKEN))).code).toBe(0);
  expect((await server.run(health(NEXT_TOKEN))).code).toBe(0);
  const client = createNodeClient({
    url: server.wsUrl,
    token: GATEWAY_TOKEN,
    client: { id: 'test', mode: 'test', version: '1', platform: 'linux' },
  });
  await client.request('health');

  await server.says(`moltbot config unset gateway.auth.previousToken --token ${NEXT_TOKEN}`);

  await expect.poll(() => client.state.status, { timeout: 5_000 }).toBe('closed');
  expect((await server.run(health(GATEWAY_TOKEN))).code).toBe(1);
  expect((await server.run(health(NEXT_TOKEN))).code).toBe(0);
});
