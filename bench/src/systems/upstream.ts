import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messagesTarget } from '../load/target.ts';
import { freePort, startChild } from '../processes/child.ts';
import type { System } from './system.ts';

const MAIN = fileURLToPath(new URL('../../../packages/demo-model/src/main.ts', import.meta.url));

/** The deterministic model that every other system is put in front of. */
export async function startUpstream(directory: string, prompt: string): Promise<System & { url: string }> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = await startChild({
    name: 'the upstream',
    command: process.execPath,
    args: ['--conditions=moltbot-source', MAIN],
    env: { PORT: String(port), DEMO_MODEL_RECORD: '0' },
    logFile: join(directory, 'upstream.log'),
    readyUrl: `${url}/v1/models`,
  });
  return { ...child, name: 'direct', url, target: messagesTarget(url, prompt) };
}
