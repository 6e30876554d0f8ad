/**
 * Two hosts on this machine with one cable between them: a network namespace of its own, which needs root
 * and iproute2. Where they are missing the test that wants them is skipped, and vitest says so.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import type { Host } from './sentinels.ts';

export type Partition = Disposable &
  Readonly<{
    /** This host, and the one at the other end. */
    here: Host;
    there: Host;
    /** Nothing passes any more, and nobody is told. */
    cut(): void;
    heal(): void;
  }>;

const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: 'pipe' });

export function mayPartition(): boolean {
  const name = `moltbot-may-${process.pid}`;
  const made = spawnSync('ip', ['netns', 'add', name]).status === 0;
  if (made) ip('netns', 'del', name);
  return made;
}

/** Interface names have 15 characters at most; one partition a process. */
export function startPartition(): Partition {
  const netns = `moltbot-${process.pid}`;
  const [ours, theirs] = [`mbh${process.pid}`, `mbt${process.pid}`];
  const third = 1 + (process.pid % 250);
  const here: Host = { address: `10.231.${third}.1` };
  const there: Host = { address: `10.231.${third}.2`, netns };
  ip('netns', 'add', netns);
  ip('link', 'add', ours, 'type', 'veth', 'peer', 'name', theirs, 'netns', netns);
  ip('addr', 'add', `${here.address}/30`, 'dev', ours);
  ip('link', 'set', ours, 'up');
  ip('-n', netns, 'addr', 'add', `${there.address}/30`, 'dev', theirs);
  ip('-n', netns, 'link', 'set', theirs, 'up');
  ip('-n', netns, 'link', 'set', 'lo', 'up');
  return {
    here,
    there,
    // on both sides, so that nothing arrives that is not answered
    cut: () => {
      ip('route', 'add', 'blackhole', there.address);
      ip('-n', netns, 'route', 'add', 'blackhole', here.address);
    },
    heal: () => {
      ip('route', 'del', 'blackhole', there.address);
      ip('-n', netns, 'route', 'del', 'blackhole', here.address);
    },
    [Symbol.dispose]: () => {
      spawnSync('ip', ['route', 'del', 'blackhole', there.address]);
      spawnSync('ip', ['link', 'del', ours]);
      spawnSync('ip', ['netns', 'del', netns]);
    },
  };
}
