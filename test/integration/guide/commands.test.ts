/** Every command of the guide that one server answers, typed as it is printed there. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GATEWAY_TOKEN, startGuideServer, type GuideServer } from './server.ts';

type Line = Readonly<{ printed: string; says: RegExp }>;

const COMMANDS: readonly Line[] = [
  { printed: 'curl http://127.0.0.1:18789/health', says: /"ok":true,"status":"live"/ },
  {
    printed: 'moltbot models status',
    says: /^Default +: anthropic\/claude-opus-4-5$[^]*anthropic has a key/m,
  },
  { printed: 'moltbot models usage', says: /anthropic\/claude-opus-4-5 +1 / },
  { printed: 'moltbot sessions list', says: /agent:main:main/ },
  { printed: "moltbot gateway call config.get --params '{}'", says: /"hash": "[0-9a-f]{64}"/ },
  { printed: 'moltbot security audit --deep', says: /Summary: 0 critical · 0 warn/ },
  { printed: 'moltbot doctor --fix', says: /Doctor complete/ },
  { printed: 'grep "CLAWDBOT_GATEWAY_TOKEN" /etc/moltbot/environment', says: new RegExp(GATEWAY_TOKEN) },
  { printed: 'grep "ANTHROPIC_API_KEY" /etc/moltbot/environment', says: /sk-ant/ },
  { printed: 'grep "maxConcurrent" /etc/moltbot/moltbot.json', says: /maxConcurrent: 16/ },
  {
    printed: 'grep -i "unauthorized\\|forbidden" /var/log/moltbot/gateway.log',
    says: /unauthorized conn=\S+ reason=/,
  },
  { printed: 'grep "unauthorized\\|auth" /var/log/moltbot/gateway.log', says: /reason=token_mismatch/ },
  {
    printed: "awk '/user:/ {print}' /var/log/moltbot/gateway.log | sort | uniq -c",
    says: /^ +1 .*user:gateway"}$/m,
  },
];

/** What the guide has a word too few or too many in, as the documentation corrects it. */
const CORRECTED: readonly Line[] = [
  {
    printed: `grep -o 'user:[^" ]*' /var/log/moltbot/gateway.log | sort | uniq -c`,
    says: /^ +\d+ user:gateway$/m,
  },
  {
    printed: `grep '"event":"turn.ended"' /var/log/moltbot/gateway.log | grep -o 'user:[^" ]*' | sort | uniq -c`,
    says: /^ +1 user:gateway$/m,
  },
  {
    printed: `curl -s -X POST "$ANTHROPIC_BASE_URL/v1/messages" \\
      -H "x-api-key: $ANTHROPIC_API_KEY" \\
      -H "anthropic-version: 2023-06-01" \\
      -H "content-type: application/json" \\
      -d '{"model":"claude-opus-4-5","max_tokens":100,"messages":[{"role":"user","content":"hello"}]}'`,
    says: /"type":"message".*"role":"assistant"/,
  },
];

let server: GuideServer;
beforeAll(async () => {
  server = await startGuideServer();
  await server.says('moltbot agent --message "Good morning"');
  await server.run('moltbot health --token wrong-token-of-a-fitting-length-000000');
});
afterAll(() => server[Symbol.asyncDispose]());

test('G-1: every command of the guide works as it is printed', async () => {
  for (const { printed, says } of COMMANDS) expect(await server.says(printed), printed).toMatch(says);
});

test('G-2: what the guide misspells works as the documentation corrects it', async () => {
  for (const { printed, says } of CORRECTED) expect(await server.says(printed), printed).toMatch(says);
});

test('G-1: pgrep finds the gateway under the name the guide gives it', async () => {
  expect((await server.says('pgrep -x moltbot-gateway')).split('\n')).toContain(String(server.pid));
  expect(await server.says(`top -b -n 1 -p ${server.pid}`)).toContain('moltbot');
});

test('G-1: the health check of the guide fails once the gateway is gone', async () => {
  process.kill(server.pid, 'SIGTERM');
  const check = async (): Promise<number> => (await server.run('curl -s http://127.0.0.1:18789/health')).code;
  await expect.poll(check, { timeout: 20_000 }).toBe(7); // curl: could not connect
});
