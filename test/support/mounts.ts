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

/**
 * An ext4 on a disk that can die: every read and write of it is an I/O error from then on, until it is
 * mounted again with what it really took. Its image lies behind a bind mount whose server is killed.
 */
export type MortalDisk = AsyncDisposable &
  Readonly<{ path: string; die(): Promise<void>; revive(): Promise<void> }>;

/** An ext4 on a disk that says it has more room than there is: writes succeed, and syncing them fails. */
export type LyingDisk = Disposable & Readonly<{ path: string; giveRoom(): void }>;

const DISK = '16m';
const sh = (command: string, ...args: string[]): void => void execFileSync(command, args, { stdio: 'pipe' });

export function mayLoop(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'moltbot-loop-'));
  try {
    using disk = lyingDisk(folder, 1);
    return disk.path !== '';
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function lyingDisk(folder: string, roomMiB: number): LyingDisk {
  using made = new DisposableStack();
  const [memory, path] = [join(folder, 'memory'), join(folder, 'disk')];
  const image = join(memory, 'image');
  sh('mkdir', '-p', memory, path);
  sh('mount', '-t', 'tmpfs', '-o', `size=${roomMiB}m`, 'tmpfs', memory);
  made.defer(() => sh('umount', '-l', memory));
  makeFileSystem(image);
  sh('mount', '-o', 'loop', image, path);
  made.defer(() => sh('umount', '-l', path));
  const owned = made.move();
  return {
    path,
    giveRoom: () => sh('mount', '-o', 'remount,size=96m', memory),
    [Symbol.dispose]: () => owned.dispose(),
  };
}

export async function mortalDisk(folder: string): Promise<MortalDisk> {
  const [below, between, path] = [join(folder, 'below'), join(folder, 'between'), join(folder, 'disk')];
  sh('mkdir', '-p', below, path);
  makeFileSystem(join(below, 'image'));
  let bound = await bindMount(below, between);
  const mount = (): void => sh('mount', '-o', 'loop', join(between, 'image'), path);
  mount();
  return {
    path,
    die: async () => await bound.server.signal('SIGKILL'),
    revive: async () => {
      sh('umount', '-l', path);
      await bound[Symbol.asyncDispose]();
      spawnSync('e2fsck', ['-fy', join(below, 'image')]); // as a system does at its start
      bound = await bindMount(below, between);
      mount();
    },
    async [Symbol.asyncDispose]() {
      spawnSync('umount', ['-l', path]);
      await bound[Symbol.asyncDispose]();
    },
  };
}

function makeFileSystem(image: string): void {
  sh('truncate', '-s', DISK, image);
  sh('mkfs.ext4', '-q', '-F', '-O', '^has_journal', image);
}
