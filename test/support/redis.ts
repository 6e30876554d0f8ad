/**
 * One real Redis for a whole test project, on a unix socket in a folder of its own, so that runs
 * side by side never meet. Tests keep apart by their own random session and user ids.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    redisSocket: string;
  }
}

const READY_WITHIN_MS = 10_000;

export type RedisServer = AsyncDisposable & Readonly<{ socket: string; pid: number }>;

/** Starts a server of its own; for tests that stop, pause or restart it. */
export async function startRedis(...settings: string[]): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'moltbot-redis-'));
  const socket = join(folder, 'redis.sock');
  const child = spawn(
    'redis-server',
    ['--port', '0', '--unixsocket', socket, '--dir', folder, '--save', '', '--appendonly', 'yes'].concat(
      ['--maxmemory-policy', 'noeviction'],
      settings,
    ),
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const failed = once(child, 'error').then(([error]: unknown[]) => {
    throw new Error('redis-server does not start; is it installed?', { cause: error });
  });
  await Promise.race([answers(socket), failed]);
  return {
    socket,
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      await stop(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function answers(socket: string): Promise<void> {
  const deadlineMs = Date.now() + READY_WITHIN_MS;
  const redis = new Redis(socket, {
    maxRetriesPerRequest: null,
    retryStrategy: () => (Date.now() < deadlineMs ? 10 : null),
  });
  redis.on('error', () => undefined); // refused until the server listens; the deadline decides
  try {
    await redis.ping();
  } finally {
    redis.disconnect();
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGCONT'); // a test may have left it paused
  child.kill('SIGTERM');
  await gone;
}

// oxlint-disable-next-line import/no-default-export -- vitest calls a setup file's default export
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startRedis();
  project.provide('redisSocket', server.socket);
  return async () => server[Symbol.asyncDispose]();
}
