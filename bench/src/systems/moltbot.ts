import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { completionsTarget } from '../load/target.ts';
import { freePort, startChild } from '../processes/child.ts';
import type { Surroundings, System } from './system.ts';

const MAIN = fileURLToPath(new URL('../../../services/standalone/src/main.ts', import.meta.url));
/** Above the highest concurrency anybody measures on one machine. */
const RUNNING_AT_ONCE = 64;

export type MoltbotOptions = Readonly<{ profileDirectory: string | undefined }>;

/** The product as one server runs it, with its own Redis, default logging and default limits but two. */
export async function startMoltbot(around: Surroundings, options: MoltbotOptions): Promise<System> {
  const port = await freePort();
  const token = randomBytes(20).toString('hex');
  const stateDirectory = join(around.directory, 'state');
  const configFile = join(around.directory, 'moltbot.json');
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
  await writeFile(configFile, JSON.stringify(configuration(around.upstreamUrl, port), undefined, 2));
  const url = `http://127.0.0.1:${port}`;
  const child = await startChild({
    name: 'the product',
    command: process.execPath,
    args: [...profileArguments(options.profileDirectory), '--conditions=moltbot-source', MAIN],
    env: {
      CLAWDBOT_GATEWAY_TOKEN: token,
      CLAWDBOT_GATEWAY_PORT: String(port),
      CLAWDBOT_CONFIG_PATH: configFile,
      CLAWDBOT_STATE_DIR: stateDirectory,
      MOLTBOT_MAX_RUNNING_PER_USER: String(RUNNING_AT_ONCE),
      BENCH_MODEL_KEY: 'none',
    },
    logFile: join(around.directory, 'moltbot.log'),
    readyUrl: `${url}/readyz`,
  });
  const target = completionsTarget(url, 'moltbot', around.prompt, { authorization: `Bearer ${token}` });
  return { ...child, name: 'moltbot', target };
}

function configuration(upstreamUrl: string, port: number): Record<string, unknown> {
  const model = { id: 'demo-model', name: 'Demo model', contextWindow: 200_000, maxTokens: 8_192 };
  const bench = {
    baseUrl: upstreamUrl,
    api: 'anthropic-messages',
    apiKey: '${BENCH_MODEL_KEY}',
    models: [model],
  };
  return {
    gateway: { port, bind: 'loopback', http: { endpoints: { chatCompletions: { enabled: true } } } },
    models: { providers: { bench } },
    agents: { defaults: { model: { primary: 'bench/demo-model' }, maxConcurrent: RUNNING_AT_ONCE } },
  };
}

function profileArguments(directory: string | undefined): readonly string[] {
  if (directory === undefined) return [];
  return ['--cpu-prof', `--cpu-prof-dir=${directory}`, '--cpu-prof-name=moltbot.cpuprofile'];
}
