/** The real command against a real gateway: what it prints, and how it ends. */
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMMAND, startCommand, type Outcome } from '../support/command.ts';
import { startStandalone, type Standalone } from '../support/standalone.ts';

type Row = readonly [line: string, code: number, out: RegExp, err?: RegExp];
const NOTHING = /^$/;

/** In this order, on one gateway. Words are separated by blanks; `_` stands for one inside a word. */
const COMMANDS: readonly Row[] = [
  ['--version', 0, /^\d+\.\d+\.\d+\n$/],
  ['gateway health', 0, /^Gateway Health\nOK \(\d+ms\)\n$/],
  ['gateway status', 0, /^Token: +from CLAWDBOT_GATEWAY_TOKEN\nRPC probe: ok \(/m],
  ['gateway probe', 0, /Connect: ok \(\d+ms\) · RPC: ok/],
  ['gateway probe ws://127.0.0.1:1', 1, /Connect: failed · RPC: failed\n.*ECONNREFUSED/],
  ['gateway call health', 0, /^\{\n {2}"ok": true,/],
  ['gateway call nope', 1, NOTHING, /^Gateway call failed: Error: unknown method: nope\n/],
  ['gateway call health --params {broken', 1, NOTHING, /not JSON/],
  ['gateway call chat.history --params {"nope":1}', 1, NOTHING, /invalid chat\.history params: .*sessionKey/],
  ['health', 0, /^Gateway Health\nOK \(\d+ms\)\nAgents: main \(default\)\nSessions: 0\n$/],
  ['status', 0, /^Gateway: +ws:\/\/127\.0\.0\.1:\d+ reachable in \d+ms/m],
  ['agent --message #echo_hello', 0, /^hello\n$/],
  ['agent --session-key talks --message #tokens_3', 0, /^t1 t2 t3\n$/],
  ['agent --message #fault_400', 1, NOTHING, /^moltbot: demo refused the request \(400\)/],
  [
    'sessions',
    0,
    /^Sessions listed: 2\n[^]*agent:main:talks[^]*agent:main:main|agent:main:main[^]*agent:main:talks/m,
  ],
  ['sessions list --search talks', 0, /^Sessions listed: 1\n/m],
  ['models list', 0, /^Model +Input +Ctx[^]*^demo\/demo +text\+image +200\.0k +no +yes +default$/m],
  ['models list --provider nobody', 0, /^(?![^]*demo\/demo)/],
  ['models status --check', 0, /^Default +: demo\/demo$[^]*^Ready$/m],
  ['models usage', 0, /^Total: \$0\.00 · \d+ tokens$[^]*^\d{4}-\d\d-\d\d +demo\/demo +\d /m],
  ['models usage --by model --days 1', 0, /^demo\/demo +\d /m],
  ['gateway usage-cost', 0, /^Usage cost \(30 days\)\nTotal: \$0\.00 · \d+ tokens\n/],
  ['config file', 0, /moltbot\.json\n$/],
  ['config get agents.defaults.timeoutSeconds', 0, /^600\n$/],
  ['config get no.such.path', 1, NOTHING, /^moltbot: Config path not found: no\.such\.path\n/],
  [
    'config set agents.defaults.timeoutSeconds 300',
    0,
    /^Updated agents\.defaults\.timeoutSeconds\. Applied without a restart\.\n$/,
  ],
  ['config get agents.defaults.timeoutSeconds', 0, /^300\n$/],
  [
    'config set agents.defaults.timeoutSeconds soon',
    1,
    NOTHING,
    /Config validation failed: agents\.defaults\.timeoutSeconds: .*number/,
  ],
  ['config set gateway.port 18790', 0, /^Updated gateway\.port\. Restart the gateway to apply it\.\n$/],
  ['config unset agents.defaults.timeoutSeconds', 0, /^Removed agents\.defaults\.timeoutSeconds\./],
  ['config unset agents.defaults.timeoutSeconds', 1, NOTHING, /Config path not found/],
  ['config validate', 0, /^Valid: /],
  ['config validate /no/such/file.json', 1, NOTHING, /no\/such\/file\.json/],
  ['logs --limit 5 --plain', 0, /^Log file: .*\n(?:\d{4}-.*\n){5}$/],
  ['system presence', 0, /^Host +IP +Mode/],
  ['security audit --deep', 0, /^Summary: 0 critical · /m],
  ['security audit --fail-on info', 1, /^Summary: /m],
  ['doctor --non-interactive', 0, /Doctor complete\.\n$/],
  ['archive verify', 0, /^Sessions: \d+ {3}Records: \d+\nTorn ends: 0\nThe archive is whole\.\n$/],
  ['archive verify --user nobody', 0, /^Sessions: 0 /],
  ['restore', 1, NOTHING, /^moltbot: this Redis has taken messages already.*--merge/],
  ['archive restore --merge', 0, /^Sessions restored: 0 \(0 records\)\n/],
  ['tokens revoke nobodysid123', 1, NOTHING, /^moltbot: no such token: nobodysid123\n.*tokens list/],
  ['nonsense', 1, NOTHING, /unknown command 'nonsense'/],
  ['sessions --nonsense', 1, NOTHING, /unknown option '--nonsense'/],
  ['agent', 1, NOTHING, /required option '-m, --message/],
];

/** Each asks the gateway in a way of its own. */
const ASKING = [
  'gateway health',
  'gateway call health',
  'gateway status',
  'sessions',
  'config get agents',
].concat(['logs', 'tokens list', 'agent --message hello']);
const WITH_JSON = ['health', 'status', 'models list', 'models status', 'models usage', 'sessions list']
  .concat(['config get agents', 'config validate', 'tokens list', 'system presence', 'gateway health'])
  .concat([
    'gateway status',
    'gateway probe',
    'gateway usage-cost',
    'security audit',
    'doctor',
    'archive verify',
  ])
  .concat(['agent --message hello', 'gateway call status']);

let standalone: Standalone;
let env: Readonly<Record<string, string>>;
beforeAll(async () => {
  standalone = await startStandalone();
  env = {
    HOME: standalone.stateDir,
    MOLTBOT_STATE_DIR: standalone.stateDir,
    MOLTBOT_GATEWAY_PORT: new URL(standalone.url).port,
    CLAWDBOT_GATEWAY_TOKEN: standalone.token,
  };
});
afterAll(() => standalone[Symbol.asyncDispose]());

const words = (line: string): string[] => line.split(' ').map((word) => word.replaceAll('_', ' '));
const moltbot = (line: string, more: Readonly<Record<string, string>> = {}): Promise<Outcome> =>
  startCommand(words(line), { ...env, ...more }).ended;

describe('what it prints, and how it ends', () => {
  for (const [line, code, out, err = NOTHING] of COMMANDS)
    test(`moltbot ${line} ends with ${code}`, async () => {
      const outcome = await moltbot(line);
      expect(outcome.code, outcome.err).toBe(code);
      expect(outcome.out).toMatch(out);
      expect(outcome.err).toMatch(err);
      expect(outcome.out + outcome.err).not.toContain('\u001B'); // no colours: this is no terminal
    });
});

test.each(WITH_JSON)('moltbot %s --json prints one JSON value', async (line) => {
  const { out } = await moltbot(`${line} --json`);
  expect(() => JSON.parse(out) as unknown, out).not.toThrow();
});

test('logs --json prints one JSON object a line, the first of them about the file', async () => {
  const { out } = await moltbot('logs --limit 3 --json');
  const [first, ...lines] = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string });
  expect(first).toMatchObject({ type: 'meta', file: expect.stringContaining('gateway.log') as string });
  expect(lines.map(({ type }) => type)).toEqual(['log', 'log', 'log']);
});

describe('who may not', () => {
  test.each(ASKING)('moltbot %s with a wrong token', async (line) => {
    const { code, out, err } = await moltbot(`${line} --token ${'wrong'.padEnd(40, '0')}`);
    expect(code).toBe(1);
    expect(err + out).toMatch(/unauthorized: gateway token mismatch/);
  });

  test.each(ASKING)('moltbot %s without a gateway says where it looked, and what to do', async (line) => {
    const { code, out, err } = await moltbot(`${line} --url ws://127.0.0.1:1`);
    expect(code).toBe(1);
    expect(err + out).toMatch(/ECONNREFUSED 127\.0\.0\.1:1/);
    expect(err + out).toMatch(/nothing listens on ws:\/\/127\.0\.0\.1:1: start the gateway/);
  });

  test('doctor finds a gateway that is down, and ends with 1', async () => {
    const { code, out } = await moltbot('doctor --url ws://127.0.0.1:1');
    expect(code).toBe(1);
    expect(out).toMatch(/problem .*ECONNREFUSED/);
  });

  test('a second gateway in the same folder is refused, with the pid of the first', async () => {
    const { code, err } = await moltbot('gateway run');
    expect(code).toBe(1);
    expect(err).toContain(
      `another gateway instance already uses ${standalone.stateDir} (pid ${standalone.pid})`,
    );
  });
});

test('C-2: a token is made, used, seen, revoked, and then refused', async () => {
  const made = await moltbot('tokens create --user alice --label laptop --expires-in-days 90');
  expect(made.out).toMatch(/^mbt_[a-z0-9]{12}_[\w-]{43}\n$/); // alone, to be piped to where it is kept
  expect(made.err).toMatch(/Token [a-z0-9]{12} of alice, expires \d{4}-\d\d-\d\d\. It is not stored/);
  const token = made.out.trim();
  const [, id = ''] = token.split('_');
  const asAlice = { MOLTBOT_GATEWAY_TOKEN: token };

  expect((await moltbot('agent --message #echo_mine', asAlice)).out).toBe('mine\n');
  expect((await moltbot('sessions', asAlice)).out).toMatch(/^Sessions listed: 1$/m);
  expect((await moltbot('tokens list --user alice')).out).toMatch(
    new RegExp(`^${id} +alice +laptop +member`, 'm'),
  );
  expect(await moltbot('tokens list', asAlice)).toMatchObject({ code: 1, out: '' });
  expect((await moltbot('config set logging.level debug', asAlice)).err).toMatch(
    /missing scope: operator\.admin/,
  );

  const following = startCommand(['logs', '--follow'], { ...env, ...asAlice });
  await expect.poll(following.out, { timeout: 10_000 }).toContain('Log file');
  expect((await moltbot(`tokens revoke ${id}`)).code).toBe(0);
  expect((await following.ended).code).toBe(1); // its connection was closed
  expect(await moltbot('health', asAlice)).toMatchObject({
    code: 1,
    err: expect.stringMatching(/unauthorized/) as string,
  });
});

test('Ctrl-C aborts the turn on the gateway and ends with 130', async () => {
  const running = startCommand(
    ['agent', '--session-key', 'long', '--message', '#tokens 2000 #delay 50'],
    env,
  );
  await expect.poll(running.out, { timeout: 10_000 }).toContain('t1');
  running.child.kill('SIGINT');
  expect((await running.ended).code).toBe(130);
  const params = '{"sessionKey":"long"}';
  const ends = async (): Promise<string> =>
    (await moltbot(`gateway call chat.history --params ${params}`)).out;
  await expect.poll(ends, { timeout: 10_000 }).toContain('"stopReason": "aborted"');
});

test('clawdbot and openclaw are the same program', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'moltbot-cli-'));
  for (const name of ['clawdbot', 'openclaw']) {
    const link = join(folder, name);
    await symlink(COMMAND, link);
    expect(await startCommand(['gateway', 'health'], env, link).ended).toMatchObject({ code: 0 });
  }
  await rm(folder, { recursive: true });
});
