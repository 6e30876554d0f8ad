/** The program in docs/use/clients.md, as it is printed, behind a balancer whose first gateway dies. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startCluster, type Cluster } from '../support/cluster.ts';
import { until } from '../support/people.ts';
import { ROOT } from '../support/service-process.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ gateways: 2, workers: 1 });
}, 90_000);
afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
});

/** A connection goes to the first gateway that takes it. */
async function balancer(): Promise<string> {
  const through = (client: Socket, [port, ...others]: readonly number[]): void => {
    if (port === undefined) return void client.destroy();
    const gateway = connect(port, '127.0.0.1');
    const next = (): void => through(client, others);
    gateway.once('error', next);
    gateway.once('connect', () => {
      gateway.off('error', next).on('error', () => undefined);
      gateway.once('close', () => client.destroy());
      client.pipe(gateway).pipe(client);
    });
  };
  const server = createServer((client) => {
    client.on('error', () => undefined);
    through(
      client,
      cluster.gateways.map(({ port }) => port),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function program(url: string): Promise<string> {
  const page = await readFile(join(ROOT, 'docs/use/clients.md'), 'utf8');
  const found = [...page.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, text = '']) => text);
  const text = found.find((block) => block.includes('starting_after')) ?? '';
  const dir = await mkdtemp(join(tmpdir(), 'moltbot-docs-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  await symlink(join(ROOT, 'test/node_modules'), join(dir, 'node_modules'));
  const path = join(dir, 'resume.mts');
  const input = text.replace('Tell me a long story', '#tokens 80 #delay 30');
  await writeFile(path, input.replace('https://moltbot.example.com', url));
  return path;
}

test('T-6, T-7: the program of the documentation prints the whole answer although its gateway is killed', async () => {
  const path = await program(await balancer());
  const child = spawn(process.execPath, [path], {
    env: { PATH: process.env['PATH'], MOLTBOT_TOKEN: cluster.token },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  let complained = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (complained += chunk.toString()));
  const exit = once(child, 'exit');
  await until(() => printed.includes('t5'), 'its first words');
  await cluster.gateways[0]?.signal('SIGKILL');
  expect(printed).not.toContain('t80');
  const [code] = await exit;
  expect([code, complained]).toEqual([0, '']);
  expect(printed).toBe(Array.from({ length: 80 }, (_, word) => `t${word + 1}`).join(' '));
});
