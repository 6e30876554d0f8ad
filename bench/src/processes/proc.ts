import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

/** `getconf CLK_TCK` on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

export type ProcessMemory = Readonly<{ pid: number; name: string; peakRssBytes: number }>;

type Stat = Readonly<{ pid: number; parent: number; ticks: number }>;

/** `/proc/<pid>/stat`; the name in it may hold spaces and brackets, so fields count from the last one. */
function readStat(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [parent = 0, user = 0, system = 0] = [fields[1], fields[11], fields[12]];
    return { pid, parent, ticks: user + system };
  } catch {
    return undefined;
  }
}

/** The process and all its living descendants. */
function treeOf(root: number): readonly Stat[] {
  const everything = readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0)
    .map(readStat)
    .filter((stat) => stat !== undefined);
  const tree = everything.filter(({ pid }) => pid === root);
  for (let at = 0; at < tree.length; at += 1) {
    const parent = tree[at]?.pid;
    tree.push(...everything.filter((stat) => stat.parent === parent));
  }
  return tree;
}

export function pidsOf(root: number): readonly number[] {
  return treeOf(root).map(({ pid }) => pid);
}

export function cpuSeconds(root: number): number {
  return treeOf(root).reduce((sum, { ticks }) => sum + ticks, 0) / TICKS_PER_SECOND;
}

/** CPU seconds of everything on this machine since it started, stolen ones included. */
export function machineCpuSeconds(): number {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] = readFileSync(
    '/proc/stat',
    'latin1',
  )
    .split('\n', 1)
    .join('')
    .split(/\s+/)
    .map(Number);
  return (user + nice + system + irq + softIrq + steal) / TICKS_PER_SECOND;
}

export function peakMemory(root: number): readonly ProcessMemory[] {
  return pidsOf(root).flatMap((pid) => {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'latin1');
      const kib = Number(/^VmHWM:\s*(\d+)/m.exec(status)?.[1] ?? 0);
      return [{ pid, name: nameOf(pid), peakRssBytes: kib * 1024 }];
    } catch {
      return [];
    }
  });
}

/** The program and, for an interpreter, the script it runs. */
function nameOf(pid: number): string {
  const [program = '', ...args] = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
  const script = args.find((arg) => arg.startsWith('/'));
  return [basename(program.split(' ')[0] ?? ''), ...(script === undefined ? [] : [basename(script)])].join(
    ' ',
  );
}
