import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { closeRedis, openRedis } from '@moltbot/shared/redis';

export type EmbeddedRedis = AsyncDisposable & Readonly<{ url: string }>;

const START_TIMEOUT_MS = 60_000;
const RESTART_DELAY_MS = 200;

/**
 * A redis-server of our own on a unix socket. Every write is in the append-only file, and synced,
 * before it is answered: an accepted message survives a kill -9 of everything and a power cut.
 * One that dies is started again, and everybody reconnects.
 */
export async function startRedis(
  stateDir: string,
  onExit: (code: number | null) => void,
): Promise<EmbeddedRedis> {
  const dir = join(stateDir, 'redis');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const url = `unix://${join(dir, 'redis.sock')}`;
  await stopOrphan(url);
  const running = { child: launch(dir), stopping: false };
  const failed = once(running.child, 'error').then(([error]: unknown[]) => {
    throw new Error(missing(error as NodeJS.ErrnoException));
  });
  failed.catch(() => undefined);
  await Promise.race([failed, untilReady(url, join(dir, 'redis.log'), running.child)]);
  watch();
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      running.stopping = true;
      if (running.child.exitCode !== null) return;
      const exited = once(running.child, 'exit');
      running.child.kill('SIGTERM');
      await exited;
    },
  };

  function watch(): void {
    running.child.once('exit', (code) => {
      if (running.stopping) return;
      onExit(code);
      setTimeout(() => {
        if (running.stopping) return;
        running.child = launch(dir);
        running.child.on('error', () => undefined);
        watch();
      }, RESTART_DELAY_MS);
    });
  }
}

/** In a process group of its own: Ctrl-C must reach us, not it, because draining still needs it. */
function launch(dir: string): ChildProcess {
  const log = openSync(join(dir, 'redis.log'), 'a', 0o600);
  const settings = {
    port: '0',
    unixsocket: join(dir, 'redis.sock'),
    unixsocketperm: '700',
    dir,
    appendonly: 'yes',
    appendfsync: 'always',
    save: '',
    'maxmemory-policy': 'noeviction',
    daemonize: 'no',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn('redis-server', options, { stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  return child;
}

function missing(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT')
    return 'redis-server is not installed: apt-get install redis-server (7.0 or newer), or set REDIS_URL to one that runs';
  return `redis-server cannot be started: ${error.message}`;
}

/** A redis-server whose parent was killed still serves the folder: its file is complete, so it may go. */
async function stopOrphan(url: string): Promise<void> {
  const orphan = await tryOpen(url);
  if (!orphan) return;
  await orphan.shutdown('NOSAVE').catch(() => undefined); // the connection ends with the server
  orphan.disconnect();
  for (let still = await tryOpen(url); still; still = await tryOpen(url)) {
    still.disconnect();
    await sleep(20);
  }
}

const tryOpen = async (url: string) =>
  await openRedis({ url, name: 'start' }, 'request').catch(() => undefined);

/** It loads its file first, which takes a while after much use. */
async function untilReady(url: string, log: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    if (child.exitCode !== null)
      throw new Error(`redis-server ended with code ${child.exitCode}; the reason is at the end of ${log}`);
    const redis = await tryOpen(url);
    if (redis) return await closeRedis(redis);
    if (Date.now() > deadline)
      throw new Error(`redis-server did not become ready within ${START_TIMEOUT_MS / 1_000} s; see ${log}`);
    await sleep(10);
  }
}
