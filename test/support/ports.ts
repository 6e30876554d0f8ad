import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that outgoing connections take: one of those could have ours while its service is down. */
const FIRST_PORT = 10_240;
/** Test processes beside this one draw from hundreds of their own. */
const PORTS_EACH = 1_000;
let drawn = randomInt(PORTS_EACH);

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS_EACH; tries += 1) {
    const port = FIRST_PORT + (process.pid % 20) * PORTS_EACH + (drawn % PORTS_EACH);
    drawn += 1;
    if (await isFree(port)) return port;
  }
  throw new Error('no free port');
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  const listening = await Promise.race([
    once(server, 'listening').then(() => true),
    once(server, 'error').then(() => false),
  ]);
  if (!listening) return false;
  server.close();
  await once(server, 'close');
  return true;
}
