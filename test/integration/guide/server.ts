/**
 * One server as the guide lays it out, below a folder of its own: etc/moltbot, var/lib/moltbot,
 * var/log/moltbot. Its provider is the demo model behind the path of BigModel's API.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RecordedRequest } from '@moltbot/demo-model';
import { startStandalone } from '../../support/standalone.ts';
import { startProvider } from './provider.ts';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const TEMPLATE = join(ROOT, 'enterprise-config.json5');
export const GATEWAY_TOKEN = 'guide-gateway-token-'.padEnd(40, '0123456789');
export const API_KEY = 'sk-ant-guide-0123456789';

/** Where the guide has them; a path that is already below our folder goes on from a word. */
const GUIDE_PATHS = /(?<!\w)\/(?:etc|var\/lib|var\/log|backup)\/moltbot/g;

export type Ran = Readonly<{ code: number; out: string; err: string }>;

export type GuideServer = AsyncDisposable &
  Readonly<{
    url: string;
    wsUrl: string;
    pid: number;
    /** Runs a line of the guide in an administrator's shell, its paths and its port put in place. */
    run(command: string): Promise<Ran>;
    /** The same, and its output; a command that fails is a failure of the test. */
    says(command: string): Promise<string>;
    place(text: string): string;
    log(): Promise<string>;
    /** What the provider was asked, as it arrived there. */
    asked(): readonly RecordedRequest[];
    output(): string;
  }>;

/**
 * `config` is the text of moltbot.json; without one it is the template of the guide's appendix A.
 * `beforeStart` may fill the folders.
 */
export async function startGuideServer(
  config?: string,
  variables: Readonly<Record<string, string>> = {},
  beforeStart: (place: (text: string) => string) => Promise<void> = () => Promise.resolve(),
): Promise<GuideServer> {
  await using started = new AsyncDisposableStack();
  const root = await mkdtemp(join(tmpdir(), 'moltbot-guide-'));
  started.defer(() => rm(root, { recursive: true, force: true }));
  const inRoot = (text: string): string => text.replaceAll(GUIDE_PATHS, `${root}$&`);
  await layOut(root, inRoot(config ?? (await readFile(TEMPLATE, 'utf8'))));

  const provider = started.use(await startProvider());
  const env = {
    ANTHROPIC_API_KEY: API_KEY,
    ANTHROPIC_BASE_URL: provider.baseUrl,
    CLAWDBOT_GATEWAY_TOKEN: GATEWAY_TOKEN,
    MOLTBOT_CONFIG_PATH: inRoot('/etc/moltbot/moltbot.json'),
    MOLTBOT_STATE_DIR: inRoot('/var/lib/moltbot'),
    ...variables,
  };
  await writeFile(inRoot('/etc/moltbot/environment'), environmentFile(env), { mode: 0o600 });
  await beforeStart(inRoot);
  const standalone = started.use(await startStandalone({ stateDir: env.MOLTBOT_STATE_DIR, env }));
  const { port } = new URL(standalone.url);

  const place = (text: string): string =>
    inRoot(text).replaceAll(/(?<=(?:127\.0\.0\.1|localhost):)18789/g, port);
  const shell = { PATH: `${root}/bin:${process.env['PATH'] ?? ''}`, HOME: root, MOLTBOT_GATEWAY_PORT: port };
  const run = (command: string): Promise<Ran> =>
    bash(place(`set -a; . /etc/moltbot/environment; set +a\n${command}`), shell);
  const owned = started.move();
  return {
    url: standalone.url,
    wsUrl: standalone.wsUrl,
    pid: standalone.pid,
    run,
    says: async (command) => {
      const { code, out, err } = await run(command);
      if (code !== 0) throw new Error(`${command}\nended with ${code}: ${err}${out}`);
      return out;
    },
    place,
    log: () => readFile(inRoot('/var/log/moltbot/gateway.log'), 'utf8'),
    asked: provider.requests,
    output: standalone.output,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function layOut(root: string, config: string): Promise<void> {
  await mkdir(join(root, 'etc/moltbot'), { recursive: true });
  await mkdir(join(root, 'var/lib/moltbot'), { recursive: true });
  await mkdir(join(root, 'bin'));
  await symlink(join(ROOT, 'bin/moltbot'), join(root, 'bin/moltbot'));
  await writeFile(join(root, 'etc/moltbot/moltbot.json'), config, { mode: 0o640 });
}

const environmentFile = (env: Readonly<Record<string, string>>): string =>
  Object.entries(env)
    .map(([name, value]) => `${name}="${value}"\n`)
    .join('');

export function bash(script: string, env: Readonly<Record<string, string>>): Promise<Ran> {
  return new Promise((resolve) => {
    execFile('bash', ['--norc', '-c', script], { env, maxBuffer: 32 * 1024 * 1024 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err });
    });
  });
}
