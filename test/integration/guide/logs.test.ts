/** The guide's log file: both spellings, nothing secret in it, and what its commands search for. */
import { stat } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { API_KEY, GATEWAY_TOKEN, startGuideServer, type GuideServer } from './server.ts';

/** As printed in the guide. */
const LOGGING = `{
  "logging": {
    "redactSensitive": "tools",  // 过滤工具调用中的敏感信息
    "file": {
      "enabled": true,
      "path": "/var/log/moltbot/gateway.log"
    }
  },
  models: { providers: { anthropic: { apiKey: '\${ANTHROPIC_API_KEY}' } } },
}`;
type Line = { level: string; time: string; msg: string; event?: string };

let server: GuideServer;
let alice: string;
beforeAll(async () => {
  server = await startGuideServer(LOGGING);
  alice = (await server.says('moltbot tokens create --user alice')).trim();
  await server.says(`moltbot agent --token ${alice} --message "#echo the codeword is nightingale"`);
  await server.run(`moltbot agent --token ${alice} --message "#fault 401 nightingale"`);
  await server.run(`moltbot config set logging.level debug --token ${alice}`);
  await server.run(`moltbot health --token ${GATEWAY_TOKEN}x`);
  await fetch(`${server.url}/v1/models`, { headers: { authorization: `Bearer ${alice}x` } });
});
afterAll(() => server[Symbol.asyncDispose]());

const lines = async (): Promise<Line[]> =>
  (await server.log())
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

test('G-10: every line of the file is JSON with a level, a time and a message', async () => {
  const all = await lines();
  expect(all.length).toBeGreaterThan(5);
  for (const line of all)
    expect(line).toMatchObject({
      level: expect.stringMatching(/info|warn|error/) as string,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
      msg: expect.any(String) as string,
    });
});

test('G-10: who was turned away, and what was forbidden to whom, is found by the search of the guide', async () => {
  const found = await server.says('grep -i "unauthorized\\|forbidden" /var/log/moltbot/gateway.log');
  expect(found).toMatch(/"msg":"unauthorized conn=\S+ reason=token_mismatch"/);
  expect(found).toMatch(/"path":"\/v1\/models","msg":"unauthorized http reason=/);
  expect(found).toMatch(/"msg":"forbidden method=config\.patch user:alice"/);
});

test('G-10: no line holds a token, a key or the text of a message, in the file or on standard output', async () => {
  for (const text of [await server.log(), server.output()])
    for (const secret of [API_KEY, GATEWAY_TOKEN, alice, alice.split('_')[2] ?? alice, 'nightingale'])
      expect(text).not.toContain(secret);
});

test('G-10: the turns of a user are counted by the corrected search', async () => {
  const counted = await server.says(
    `grep '"event":"turn.ended"' /var/log/moltbot/gateway.log | grep -o 'user:[^" ]*' | sort | uniq -c`,
  );
  expect(counted.trim()).toBe('2 user:alice');
});

test('G-10: the file is closed to others', async () => {
  const { mode } = await stat(server.place('/var/log/moltbot/gateway.log'));
  expect(mode & 0o777).toBe(0o640);
});

test('G-10: moltbot logs and redactPatterns work on the same lines', async () => {
  await server.says(`moltbot config set logging.redactPatterns '["user:[a-z]+"]'`);
  await server.says(`moltbot agent --token ${alice} --message hello`);
  const last = await server.says('moltbot logs --limit 3 --json');
  expect(last).toContain('[redacted]');
  expect(last).not.toContain('user:alice');
});

test('G-10: the older spelling, a path alone, is the same file', async () => {
  await using other = await startGuideServer(`{ logging: { file: '/var/log/moltbot/gateway.log' } }`);
  await other.says('moltbot health');
  expect(await other.log()).toContain('connected user:gateway');
});
