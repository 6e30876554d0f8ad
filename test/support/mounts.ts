/**
 * File systems that misbehave, mounted for a test: one that can be frozen, as a dead NFS is, and one on a
 * disk that fails. They need root and /dev/fuse or a loop device; where those are missing the test that
 * wants them is skipped, and vitest says so.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { program, type Program } from './service-process.ts';

/** `below` as seen through a process of its own: SIGSTOP to it and every call hangs, until SIGCONT. */
export type FrozenMount = AsyncDisposable & Readonly<{ path: string; server: Program }>;

export function mayBind(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'moltbot-bind-'));
  const { status } = spawnSync('bindfs', [folder, folder]);
  if (status === 0) execFileSync('umount', [folder]);
  rmSync(folder, { recursive: true });
  return status === 0;
}

export async function bindMount(below: string, path: string): Promise<FrozenMount> {
  await mkdir(path, { recursive: true });
  const outside = statSync(path).dev;
  const server = program({
    name: 'bindfs',
    command: 'bindfs',
    args: ['-f', '--multithreaded', below, path],
    env: {},
    ready: () => Promise.resolve(statSync(path).dev !== outside),
  });
  await server.start();
  return {
    path,
    server,
    async [Symbol.asyncDispose]() {
      await server.signal('SIGCONT');
      spawnSync('umount', ['-l', path]);
      await server[Symbol.asyncDispose]();
    },
  };
}

/** An ext4 on a disk that lies in memory and has less room than it says: a write past that is an I/O error. */
export type FailingDisk = Disposable & Readonly<{ path: string; giveRoom(): void; remount(): void }>;

export function mayLoop(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'moltbot-loop-'));
  try {
    using disk = failingDisk(folder, 4);
    return disk.path !== '';
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function failingDisk(folder: string, roomMiB: number): FailingDisk {
  const [memory, path] = [join(folder, 'memory'), join(folder, 'disk')];
  const image = join(memory, 'image');
  const sh = (command: string, ...args: string[]): void =>
    void execFileSync(command, args, { stdio: 'pipe' });
  const undo = new DisposableStack();
  using cleanup = undo;
  sh('mkdir', '-p', memory, path);
  sh('mount', '-t', 'tmpfs', '-o', `size=${roomMiB}m`, 'tmpfs', memory);
  undo.defer(() => sh('umount', '-l', memory));
  sh('truncate', '-s', '64m', image);
  sh('mkfs.ext4', '-q', '-F', '-O', '^has_journal', image);
  sh('mount', '-o', 'loop', image, path);
  undo.defer(() => sh('umount', '-l', path));
  const owned = cleanup.move();
  return {
    path,
    giveRoom: () => sh('mount', '-o', 'remount,size=96m', memory),
    remount: () => {
      sh('umount', path);
      sh('mount', '-o', 'loop', image, path);
    },
    [Symbol.dispose]: () => owned.dispose(),
  };
}
