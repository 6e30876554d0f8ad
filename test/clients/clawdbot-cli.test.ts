import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { clawdbotFor, type Clawdbot } from './support/clawdbot.ts';
import { startProduct, type Product } from './support/product.ts';

let product: Product;
let clawdbot: Clawdbot;
beforeAll(async () => {
  await using started = new AsyncDisposableStack();
  product = started.use(await startProduct());
  clawdbot = started.use(await clawdbotFor(product));
  const owned = started.move();
  return () => owned.disposeAsync();
});

const number = expect.any(Number) as number;
const list = expect.any(Array) as unknown[];

type Printed = Readonly<{ command: string; prints: RegExp }>;
const PRINTED: readonly Printed[] = [
  { command: 'gateway health', prints: /^Gateway Health\nOK \(\d+ms\)\n$/ },
  { command: 'gateway usage-cost', prints: /^Usage cost \(30 days\)\nTotal: \$[\d.]+ · [\d.k]+ tokens\n/ },
  { command: 'gateway usage-cost --days 7', prints: /^Usage cost \(7 days\)\n/ },
  { command: 'gateway probe', prints: /Reachable: yes[\s\S]*Connect: ok \(\d+ms\) · RPC: ok/ },
  { command: 'gateway status --no-color', prints: /RPC probe: ok/ },
  { command: 'health', prints: /Agents: main \(default\)[\s\S]*Session store \(main\): .+ \(\d+ entries\)/ },
  { command: 'health --verbose', prints: /Gateway connection:[\s\S]*Agents: main \(default\)/ },
  { command: 'status', prints: /Gateway\s+│ local · .* · reachable \d+ms · auth token/ },
  { command: 'status --deep', prints: /│ Gateway\s+│ reachable\s+│ \d+ms/ },
  { command: 'logs --limit 5', prints: /^Log file: .+\n.+\n/ },
  { command: 'cron list', prints: /^No cron jobs\.\n$/ },
  { command: 'nodes status', prints: /^Known: \d+ · Paired: \d+ · Connected: \d+\n/ },
  { command: 'nodes list', prints: /^Pending: \d+ · Paired: \d+\n/ },
  { command: 'devices list', prints: /^(No device pairing entries\.|Paired \()/ },
  { command: 'channels status', prints: /Gateway reachable\./ },
];

type Answered = Readonly<{ command: string; answers: unknown }>;
const ANSWERED: readonly Answered[] = [
  { command: 'health --json', answers: { ok: true, defaultAgentId: 'main', sessions: { count: number } } },
  {
    command: 'status --json',
    answers: { gateway: { mode: 'local', reachable: true, connectLatencyMs: number, error: null } },
  },
  { command: 'gateway call health --json', answers: { ok: true, durationMs: number } },
  { command: 'gateway call status --json', answers: { sessions: { count: number, recent: list } } },
  { command: 'gateway call models.list --json', answers: { models: list } },
  { command: 'gateway call config.get --json', answers: { valid: true, issues: [] } },
  { command: 'gateway usage-cost --json', answers: { days: 30, totals: { totalTokens: number } } },
  { command: 'cron status --json', answers: { enabled: expect.any(Boolean) as boolean, jobs: number } },
  { command: 'system event --text hello --mode next-heartbeat --json', answers: { ok: true } },
];

describe('the clawdbot command', () => {
  test.for(PRINTED)('$command', async ({ command, prints }) => {
    const result = await clawdbot.run(command.split(' '));
    expect(result, result.stderr).toMatchObject({ code: 0 });
    expect(result.stdout).toMatch(prints);
  });

  test.for(ANSWERED)('$command', async ({ command, answers }) => {
    const result = await clawdbot.run(command.split(' '));
    expect(result, result.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(result.stdout)).toMatchObject(answers as object);
  });

  test('system presence lists the gateway itself', async () => {
    const { stdout } = await clawdbot.run(['system', 'presence', '--json']);
    expect(JSON.parse(stdout)).toContainEqual(expect.objectContaining({ mode: 'gateway', reason: 'self' }));
  });

  test('logs --json gives lines it understands, each with its text', async () => {
    const { code, stdout } = await clawdbot.run(['logs', '--limit', '20', '--json']);
    expect(code).toBe(0);
    const [meta, ...rest] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(meta).toMatchObject({ type: 'meta', cursor: number, size: number });
    const lines = rest.filter((line) => line['type'] !== 'notice');
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(line).toMatchObject({ type: 'log', time: expect.any(String) as string });
    expect(lines.map((line) => line['message']).join('')).not.toBe('');
  });
});

describe('a turn through the clawdbot command', () => {
  test('agent --message waits for the answer and prints it', async () => {
    const said = `cli ${randomUUID()}`;
    const result = await clawdbot.run(['agent', '--agent', 'main', '--message', `#echo ${said}`]);
    expect(result.stderr).not.toContain('falling back');
    expect(result.code).toBe(0);
    expect(result.stdout).toContain(said);
  });

  test('gateway call agent --expect-final answers with the final result', async () => {
    const params = {
      message: '#echo final words',
      sessionKey: 'agent:main:cli',
      idempotencyKey: randomUUID(),
    };
    expect(await clawdbot.call('agent', params, '--expect-final', '--timeout', '60000')).toMatchObject({
      runId: params.idempotencyKey,
      status: 'ok',
      summary: 'completed',
      result: {
        payloads: [{ text: 'final words' }],
        meta: { agentMeta: { sessionId: expect.any(String) as string, usage: { total: number } } },
      },
    });
  });

  test('gateway call agent alone answers as soon as the turn is accepted', async () => {
    const params = { message: '#echo later', sessionKey: 'agent:main:cli', idempotencyKey: randomUUID() };
    const accepted = await clawdbot.call('agent', params);
    expect(accepted).toMatchObject({ runId: params.idempotencyKey, status: 'accepted', acceptedAt: number });
    const waited = await clawdbot.call('agent.wait', { runId: params.idempotencyKey, timeoutMs: 9_000 });
    expect(waited).toMatchObject({ status: 'ok', startedAt: number, endedAt: number });
  });

  test('chat.send is found again by chat.history and sessions.list', async () => {
    const sessionKey = `agent:main:cli-${randomUUID()}`;
    const runId = randomUUID();
    await clawdbot.call('chat.send', { sessionKey, message: '#echo kept', idempotencyKey: runId });
    await clawdbot.call('agent.wait', { runId, timeoutMs: 9_000 });
    expect(await clawdbot.call('chat.history', { sessionKey })).toMatchObject({
      messages: [{ role: 'user' }, { role: 'assistant', content: [{ type: 'text', text: 'kept' }] }],
    });
    expect(await clawdbot.call('sessions.list')).toMatchObject({
      sessions: expect.arrayContaining([expect.objectContaining({ key: sessionKey })]) as unknown[],
    });
  });
});

test('a member works with it, and by it does nothing that is an administrator’s', async () => {
  const made = await clawdbot.call('tokens.create', { userId: `member-${randomUUID()}` });
  const { token } = made as { token: string };
  await using member = await clawdbotFor({ ...product, token });
  expect(await member.call('health')).toMatchObject({ ok: true });
  const said = `member ${randomUUID()}`;
  const turn = await member.run(['agent', '--agent', 'main', '--message', `#echo ${said}`]);
  expect(turn.stderr).not.toContain('falling back');
  expect(turn).toMatchObject({ code: 0, stdout: expect.stringContaining(said) as string });
  await expect(member.call('set-heartbeats', { enabled: false })).rejects.toThrow(
    'missing scope: operator.admin',
  );
});

describe('a wrong token', () => {
  const wrong = { CLAWDBOT_GATEWAY_TOKEN: 'wrong' };
  const reason =
    'unauthorized: gateway token mismatch (set gateway.remote.token to match gateway.auth.token)';

  test('ends gateway call with 1 and the reason', async () => {
    const result = await clawdbot.run(['gateway', 'call', 'health', '--json'], wrong);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain(`Gateway call failed: Error: gateway closed (1008): ${reason}`);
  });

  test('given by --token to a command that honours it, ends it with 1', async () => {
    const result = await clawdbot.run(['system', 'presence', '--token', 'wrong']);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain(reason);
  });

  test('makes the gateway count as unreachable', async () => {
    const { stdout } = await clawdbot.run(['status', '--json'], wrong);
    expect(JSON.parse(stdout)).toMatchObject({ gateway: { reachable: false } });
  });
});

test('address and token may stand in its configuration', async () => {
  const settings = { mode: 'remote', 'remote.url': product.wsUrl, 'remote.token': product.token };
  const bare = {
    CLAWDBOT_STATE_DIR: join(clawdbot.home, 'remote'),
    CLAWDBOT_GATEWAY_PORT: '',
    CLAWDBOT_GATEWAY_TOKEN: '',
  };
  for (const [path, value] of Object.entries(settings)) {
    expect(await clawdbot.run(['config', 'set', `gateway.${path}`, value], bare)).toMatchObject({ code: 0 });
  }
  const { code, stdout } = await clawdbot.run(['status', '--json'], bare);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    gateway: { mode: 'remote', url: product.wsUrl, reachable: true },
  });
});

describe('the configuration through the clawdbot command', () => {
  type Snapshot = Readonly<{ hash: string; config: { agents?: { defaults?: { maxConcurrent?: number } } } }>;
  const snapshot = async (): Promise<Snapshot> => (await clawdbot.call('config.get')) as Snapshot;
  const raw = JSON.stringify({ agents: { defaults: { maxConcurrent: 7 } } });

  test('config.patch changes a running gateway', async () => {
    const { hash } = await snapshot();
    const answer = await clawdbot.call('config.patch', { raw, baseHash: hash });
    expect(answer).toMatchObject({
      ok: true,
      path: expect.any(String) as string,
      config: { agents: { defaults: { maxConcurrent: 7 } } },
      restart: { ok: true },
      sentinel: { payload: { status: 'ok' } },
    });
    const current = async (): Promise<number | undefined> =>
      (await snapshot()).config.agents?.defaults?.maxConcurrent;
    await expect.poll(current, { timeout: 20_000 }).toBe(7);
  });

  test('config.patch over a state nobody has seen is refused', async () => {
    const params = JSON.stringify({ raw, baseHash: '0'.repeat(64) });
    const result = await clawdbot.run(['gateway', 'call', 'config.patch', '--params', params, '--json']);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('config changed since last load; re-run config.get and retry');
  });
});
