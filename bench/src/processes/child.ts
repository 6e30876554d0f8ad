import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { pidsOf } from './proc.ts';

const READY_WITHIN_MS = 90_000;
const STOP_WITHIN_MS = 20_000;
const POLL_MS = 50;
const LOG_TAIL_CHARACTERS = 2_000;

export type ChildSpec = Readonly<{
  name: string;
  command: string;
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  /** Output goes to a file: a pipe would charge the driver for reading it. */
  logFile: string;
  /** Answers 200 when the child can be measured. */
  readyUrl: string;
}>;

export type Child = AsyncDisposable & Readonly<{ pid: number }>;

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export async function startChild(spec: ChildSpec): Promise<Child> {
  const log = openSync(spec.logFile, 'w');
  const child = spawn(spec.command, spec.args, {
    stdio: ['ignore', log, log],
    env: { ...process.env, ...spec.env },
    ...(spec.cwd !== undefined && { cwd: spec.cwd }),
  });
  closeSync(log);
  await Promise.race([
    once(child, 'spawn'),
    once(child, 'error').then(([error]) => Promise.reject(error as Error)),
  ]);
  const { pid } = child;
  if (pid === undefined) throw new Error(`${spec.name} has no process id`);
  try {
    await untilReady(child, spec);
  } catch (error) {
    await stopChild(child);
    throw error;
  }
  return { pid, [Symbol.asyncDispose]: () => stopChild(child) };
}

async function untilReady(child: ChildProcess, spec: ChildSpec): Promise<void> {
  const giveUpAtMs = Date.now() + READY_WITHIN_MS;
  while (!(await answers(spec.readyUrl))) {
    const over = hasEnded(child) ? 'ended' : 'was not ready in time';
    if (hasEnded(child) || Date.now() > giveUpAtMs) {
      const tail = readFileSync(spec.logFile, 'utf8').slice(-LOG_TAIL_CHARACTERS);
      throw new Error(`${spec.name} ${over}; the end of its log:\n${tail}`);
    }
    await wait(POLL_MS);
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Asks first; what is left of its process tree after that is killed by id. */
async function stopChild(child: ChildProcess): Promise<void> {
  if (hasEnded(child) || child.pid === undefined) return;
  const pids = pidsOf(child.pid);
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = new AbortController();
  await Promise.race([
    ended,
    wait(STOP_WITHIN_MS, undefined, { signal: timer.signal }).catch(() => undefined),
  ]);
  timer.abort();
  for (const pid of pids.toReversed()) kill(pid);
  if (!hasEnded(child)) await ended;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself, as it should.
  }
}
