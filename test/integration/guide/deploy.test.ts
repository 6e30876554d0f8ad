/** The guide's appendices and its service: laid out by our setup script, below a folder of the test. */
import { mkdtemp, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bash, ROOT, startGuideServer, type Ran } from './server.ts';

const PATH = process.env['PATH'] ?? '';
const UNIT = 'etc/systemd/system/moltbot-gateway.service';
/** Of the guide's `[Service]` block. */
const LIMITS = ['MemoryMax=4G', 'CPUQuota=300%', 'LimitNOFILE=65536'];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moltbot-setup-'));
  const { code, err } = await setup();
  if (code !== 0) throw new Error(err);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const setup = (): Promise<Ran> =>
  bash(`sh ${ROOT}/docs/deploy/setup-enterprise.sh`, {
    PATH,
    DESTDIR: folder,
    ANTHROPIC_API_KEY: 'sk-ant-setup',
  });
const laidOut = (path: string): Promise<string> => readFile(join(folder, path), 'utf8');
const mode = async (path: string): Promise<string> =>
  ((await stat(join(folder, path))).mode & 0o7777).toString(8);
const has = (program: string): Promise<boolean> =>
  bash(`command -v ${program}`, { PATH }).then(({ code }) => code === 0);

test('G-13: the setup script lays out folders, settings and modes as the guide has them', async () => {
  expect(await mode('etc/moltbot')).toBe('1770');
  expect(await mode('etc/moltbot/environment')).toBe('600');
  expect(await mode('etc/moltbot/moltbot.json')).toBe('640');
  expect(await mode('var/lib/moltbot')).toBe('700');
  expect(await mode('var/log/moltbot')).toBe('750');
  expect(await laidOut('etc/moltbot/moltbot.json')).toBe(
    await readFile(join(ROOT, 'enterprise-config.json5'), 'utf8'),
  );
  expect(await readlink(join(folder, 'usr/local/bin/moltbot'))).toBe(join(ROOT, 'bin/moltbot'));
});

test('G-13: the environment file has a fresh token of 64 characters, and lines that systemd reads', async () => {
  const text = await laidOut('etc/moltbot/environment');
  expect(text).toMatch(/^CLAWDBOT_GATEWAY_TOKEN="[0-9a-f]{64}"$/m);
  expect(text).toMatch(/^ANTHROPIC_API_KEY="sk-ant-setup"$/m);
  for (const line of text.split('\n')) expect(line).toMatch(/^(?:#.*|[A-Z_]+="[^"]*"|)$/); // no `export`
});

test('G-13: set up again, nothing that holds settings is changed', async () => {
  const before = await laidOut('etc/moltbot/environment');
  await writeFile(join(folder, 'etc/moltbot/moltbot.json'), '{ logging: { level: "warn" } } // mine');
  expect(await setup()).toMatchObject({ code: 0 });
  expect(await laidOut('etc/moltbot/environment')).toBe(before);
  expect(await laidOut('etc/moltbot/moltbot.json')).toContain('// mine');
});

test('G-13: a server starts from what was laid out', async () => {
  const environment = Object.fromEntries(
    [...(await laidOut('etc/moltbot/environment')).matchAll(/^([A-Z_]+)="(.*)"$/gm)].map(
      ([, name, value]) => [name, value],
    ),
  ) as Record<string, string>;
  const { CLAWDBOT_GATEWAY_TOKEN = '', ANTHROPIC_API_KEY = '' } = environment;
  await using server = await startGuideServer(undefined, { CLAWDBOT_GATEWAY_TOKEN, ANTHROPIC_API_KEY });
  expect(await server.says('moltbot agent --message "#echo set up"')).toBe('set up\n');
  expect(server.asked()[0]?.headers['x-api-key']).toBe('sk-ant-setup');
});

test('G-13: the unit has the limits of the guide, its own user, and lets the gateway drain before its Redis', async () => {
  const unit = await laidOut(UNIT);
  const settings = [...LIMITS, 'User=moltbot', 'EnvironmentFile=/etc/moltbot/environment', 'KillMode=mixed'];
  for (const line of settings) expect(unit.split('\n')).toContain(line);
  // longer than the product's own deadline of 60 s, or systemd would cut the drain short
  expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1])).toBeGreaterThan(60);
  expect(unit).toMatch(/^ExecStart=\/usr\/local\/bin\/moltbot gateway run$/m);
  expect(unit).toMatch(/^WantedBy=multi-user\.target$/m);

  if (!(await has('systemd-analyze'))) return; // else systemd itself looks at it
  const path = join(folder, 'moltbot-gateway.service');
  await writeFile(path, unit.replace('/usr/local/bin/moltbot', join(ROOT, 'bin/moltbot')));
  expect(await bash(`systemd-analyze verify ${path}`, { PATH })).toEqual({ code: 0, out: '', err: '' });
});
