/**
 * The product as `npm start` runs it, in a process, a state folder and a Redis of its own. Without
 * `models` in its configuration it answers from the demo model it brings along.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './ports.ts';
import { service } from './service-process.ts';

export type StandaloneOptions = Readonly<{
  /** Top-level blocks of moltbot.json, beside or instead of the one below. */
  config?: Readonly<Record<string, unknown>>;
  env?: Readonly<Record<string, string>>;
  /** A folder of an earlier run; without one there is a new folder, removed at the end. */
  stateDir?: string;
}>;

export type Standalone = AsyncDisposable &
  Readonly<{
    url: string;
    wsUrl: string;
    token: string;
    stateDir: string;
    pid: number;
    /** Ends it without a farewell, as a crash would. */
    kill(): Promise<void>;
    /** What it wrote to its outputs lately. */
    output(): string;
  }>;

/** The two HTTP doors are shut unless the configuration opens them. */
const GATEWAY = {
  mode: 'local',
  http: { endpoints: { chatCompletions: { enabled: true }, responses: { enabled: true } } },
};

export async function startStandalone(options: StandaloneOptions = {}): Promise<Standalone> {
  await using started = new AsyncDisposableStack();
  const stateDir = options.stateDir ?? (await mkdtemp(join(tmpdir(), 'moltbot-standalone-')));
  if (options.stateDir === undefined) started.defer(() => rm(stateDir, { recursive: true, force: true }));
  await writeFile(join(stateDir, 'moltbot.json'), JSON.stringify({ gateway: GATEWAY, ...options.config }));

  const port = await freePort();
  const token = 'integration-test-token-'.padEnd(40, '0123456789');
  const url = `http://127.0.0.1:${port}`;
  const env = {
    HOME: stateDir,
    MOLTBOT_STATE_DIR: stateDir,
    MOLTBOT_GATEWAY_PORT: String(port),
    CLAWDBOT_GATEWAY_TOKEN: token,
    ...options.env,
  };
  const process = started.use(service('standalone', 'standalone', url, env));
  await process.start();

  const owned = started.move();
  return {
    url,
    wsUrl: url.replace(/^http/, 'ws'),
    token,
    stateDir,
    pid: process.pid(),
    kill: () => process.signal('SIGKILL'),
    output: () => process.output(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
