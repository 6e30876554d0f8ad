/** The `moltbot` command as it lies in a checkout, run as a shell would run it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export const COMMAND = fileURLToPath(new URL('../../bin/moltbot', import.meta.url));

export type Outcome = Readonly<{ code: number; out: string; err: string }>;

/** One that runs: what it has written so far, and how it ends. */
export type Running = Readonly<{ child: ChildProcess; out(): string; ended: Promise<Outcome> }>;

export function startCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  program = COMMAND,
): Running {
  const child = spawn(program, args, {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const ended = once(child, 'close').then(([code]: unknown[]) => ({ code: Number(code ?? -1), out, err }));
  return { child, out: () => out, ended };
}
