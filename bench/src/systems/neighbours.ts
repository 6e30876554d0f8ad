import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { completionsTarget } from '../load/target.ts';
import type { Neighbour } from '../options.ts';
import { freePort, startChild } from '../processes/child.ts';
import type { Surroundings, System } from './system.ts';

const run = promisify(execFile);
const TOOLS = fileURLToPath(new URL('../../../.toolchain/bench/', import.meta.url));
const LITELLM_VERSION = '1.105.3';
/** The gateway answers streams with 500 on the newest `@hono/node-server` its range allows. */
const PORTKEY_PACKAGES = ['@portkey-ai/gateway@1.15.2', '@hono/node-server@1.11.0'];

export function startNeighbour(name: Neighbour, around: Surroundings): Promise<System> {
  return name === 'litellm' ? startLitellm(around) : startPortkey(around);
}

async function startLitellm(around: Surroundings): Promise<System> {
  const environment = join(TOOLS, 'litellm');
  const program = join(environment, 'bin', 'litellm');
  if (!existsSync(program)) {
    await mkdir(TOOLS, { recursive: true });
    await run('python3', ['-m', 'venv', environment]);
    await run(join(environment, 'bin', 'pip'), ['install', '--quiet', `litellm[proxy]==${LITELLM_VERSION}`]);
  }
  const port = await freePort();
  const configFile = join(around.directory, 'litellm.yaml');
  await writeFile(configFile, litellmConfiguration(around.upstreamUrl));
  const child = await startChild({
    name: 'LiteLLM',
    command: program,
    args: ['--config', configFile, '--host', '127.0.0.1', '--port', String(port)],
    env: { LITELLM_LOCAL_MODEL_COST_MAP: 'True', LITELLM_LOG: 'ERROR' },
    cwd: around.directory,
    logFile: join(around.directory, 'litellm.log'),
    readyUrl: `http://127.0.0.1:${port}/health/liveliness`,
  });
  const headers = { authorization: 'Bearer sk-bench' };
  const target = completionsTarget(`http://127.0.0.1:${port}`, 'demo-model', around.prompt, headers);
  return { ...child, name: 'litellm', target };
}

function litellmConfiguration(upstreamUrl: string): string {
  return `model_list:
  - model_name: demo-model
    litellm_params: { model: anthropic/demo-model, api_base: "${upstreamUrl}", api_key: none }
general_settings: { master_key: sk-bench }
litellm_settings: { telemetry: false }
`;
}

/** @NOTE Portkey's open gateway only forwards: no users, no sessions, nothing kept. */
async function startPortkey(around: Surroundings): Promise<System> {
  const directory = join(TOOLS, 'portkey');
  const program = join(directory, 'node_modules', '@portkey-ai', 'gateway', 'build', 'start-server.js');
  if (!existsSync(program)) {
    await mkdir(directory, { recursive: true });
    const install = ['install', '--silent', '--legacy-peer-deps', '--prefix', directory];
    await run('npm', [...install, ...PORTKEY_PACKAGES], { cwd: directory });
  }
  const port = await freePort();
  const child = await startChild({
    name: 'Portkey',
    command: process.execPath,
    args: [program, '--headless', `--port=${port}`],
    env: { TRUSTED_CUSTOM_HOSTS: '127.0.0.1' },
    cwd: dirname(program),
    logFile: join(around.directory, 'portkey.log'),
    readyUrl: `http://127.0.0.1:${port}/`,
  });
  const target = completionsTarget(`http://127.0.0.1:${port}`, 'demo-model', around.prompt, {
    authorization: 'Bearer none',
    'x-portkey-provider': 'anthropic',
    'x-portkey-custom-host': `${around.upstreamUrl}/v1`,
  });
  return { ...child, name: 'portkey', target };
}
