import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { closeRedis, openRedis } from '@moltbot/shared/redis';

export type EmbeddedRedis = AsyncDisposable & Readonly<{ url: string; pid: number; exited: Promise<void> }>;

const START_TIMEOUT_MS = 60_000;

/**
 * A redis-server of our own on a unix socket. Every write is in the append-only file, and synced,
 * before it is answered: an accepted message survives a kill -9 of everything and a power cut.
 */
export async function startRedis(stateDir: string): Promise<EmbeddedRedis> {
  const dir = join(stateDir, 'redis');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const socket = join(dir, 'redis.sock');
  await stopOrphan(`unix://${socket}`);
  const log = openSync(join(dir, 'redis.log'), 'a', 0o600);
  const settings = [
    ['port', '0'],
    ['unixsocket', socket],
    ['unixsocketperm', '700'],
    ['dir', dir],
    ['appendonly', 'yes'],
    ['appendfsync', 'always'],
    ['save', ''],
    ['maxmemory-policy', 'noeviction'],
    ['aof-use-rdb-preamble', 'yes'],
    ['daemonize', 'no'],
  ].flatMap(([name, value]) => [`--${name ?? ''}`, value ?? '']);
  const child = spawn('redis-server', settings, { stdio: ['ignore', log, log], detached: false });
  closeSync(log);
  const failed = once(child, 'error').then(([error]: unknown[]) => {
    throw new Error(missing(error as NodeJS.ErrnoException));
  });
  const exited = once(child, 'exit').then(() => undefined);
  await Promise.race([failed, untilReady(`unix://${socket}`, join(dir, 'redis.log'), () => child.exitCode)]);
  failed.catch(() => undefined);
  return {
    url: `unix://${socket}`,
    pid: child.pid ?? 0,
    exited,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

function missing(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT')
    return 'redis-server is not installed: apt-get install redis-server (7.0 or newer), or set REDIS_URL to one that runs';
  return `redis-server cannot be started: ${error.message}`;
}

/** A redis-server whose parent was killed still serves the folder: its file is complete, so it may go. */
async function stopOrphan(url: string): Promise<void> {
  const orphan = await openRedis({ url, name: 'start' }, 'request').catch(() => undefined);
  if (!orphan) return;
  await orphan.shutdown('NOSAVE').catch(() => undefined); // the connection ends with the server
  orphan.disconnect();
  for (;;) {
    const still = await openRedis({ url, name: 'start' }, 'request').catch(() => undefined);
    if (!still) return;
    still.disconnect();
    await sleep(20);
  }
}

/** It loads its file first, which takes a while after much use. */
async function untilReady(url: string, log: string, exitCode: () => number | null): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const code = exitCode();
    if (code !== null)
      throw new Error(`redis-server ended with code ${code}; the reason is at the end of ${log}`);
    const redis = await openRedis({ url, name: 'start' }, 'request').catch(() => undefined);
    if (redis) return await closeRedis(redis);
    if (Date.now() > deadline)
      throw new Error(`redis-server did not become ready within ${START_TIMEOUT_MS / 1_000} s; see ${log}`);
    await sleep(10);
  }
}
