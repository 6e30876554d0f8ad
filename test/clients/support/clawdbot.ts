/** Runs the published `clawdbot` command as an employee would, in a home folder of its own. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { install } from './install.ts';
import type { Product } from './product.ts';
import { CLAWDBOT } from './recipes.ts';

const COMMAND_TIMEOUT_MS = 60_000;

export type CommandResult = Readonly<{ code: number; stdout: string; stderr: string }>;

export type Clawdbot = AsyncDisposable &
  Readonly<{
    home: string;
    run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<CommandResult>;
    /** `gateway call <method>`, its answer parsed; throws what it printed when it fails. */
    call(method: string, params?: unknown, ...flags: string[]): Promise<unknown>;
  }>;

export async function clawdbotFor(product: Product): Promise<Clawdbot> {
  const installed = await install(CLAWDBOT);
  const home = await mkdtemp(join(tmpdir(), 'moltbot-clawdbot-'));
  const entry = join(installed, CLAWDBOT.provides);
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    CLAWDBOT_STATE_DIR: join(home, 'state'),
    CLAWDBOT_GATEWAY_PORT: String(product.port),
    CLAWDBOT_GATEWAY_TOKEN: product.token,
    NO_COLOR: '1',
    NODE_COMPILE_CACHE: join(installed, 'compile-cache'), // it loads thousands of modules each time
    NODE_OPTIONS: '--disable-warning=ExperimentalWarning', // it would start itself again to say this
  };
  const run: Clawdbot['run'] = (args, more = {}) => execute([entry, ...args], { ...env, ...more });
  return {
    home,
    run,
    async call(method, params = {}, ...flags) {
      const args = ['gateway', 'call', method, '--params', JSON.stringify(params), '--json', ...flags];
      const { code, stdout, stderr } = await run(args);
      if (code !== 0) throw new Error(`${method} ended with ${code}: ${stderr}`);
      return JSON.parse(stdout) as unknown;
    },
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  };
}

async function execute(args: readonly string[], env: NodeJS.ProcessEnv): Promise<CommandResult> {
  const child = spawn(process.execPath, args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: COMMAND_TIMEOUT_MS,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, stdout, stderr }));
  });
}
