/** One program of the product in a process of its own, which a test may kill, freeze and start again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const READY_WITHIN_MS = 60_000;
const GONE_WITHIN_MS = 30_000;
const POLL_MS = 50;
const KEPT_CHARS = 20_000;

export type ProgramSettings = Readonly<{
  name: string;
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Whether it serves; asked again and again after every start. */
  ready(): Promise<boolean>;
}>;

export type Program = AsyncDisposable &
  Readonly<{
    name: string;
    pid(): number;
    /** Sends a signal; a deadly one is waited for. */
    signal(signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): Promise<void>;
    /** Starts it (again) and waits until it serves. */
    start(): Promise<void>;
    /** What it wrote to its outputs lately, over all its lives. */
    output(): string;
  }>;

/** A test process that is ended in the middle of its work must leave nothing behind. */
const alive = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

export function program(settings: ProgramSettings): Program {
  let child: ChildProcess | undefined;
  let said = '';
  const keep = (chunk: Buffer): void => {
    said = (said + chunk.toString()).slice(-KEPT_CHARS);
  };
  const launch = (): ChildProcess => {
    const made = spawn(settings.command, settings.args, {
      cwd: ROOT,
      env: { PATH: process.env['PATH'], ...settings.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    alive.add(made);
    made.once('exit', () => alive.delete(made));
    made.stdout.on('data', keep);
    made.stderr.on('data', keep);
    return made;
  };
  const signal: Program['signal'] = async (name) => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    if (name === 'SIGSTOP' || name === 'SIGCONT') return void child.kill(name);
    const gone = once(child, 'exit');
    child.kill(name);
    const late = setTimeout(() => child?.kill('SIGKILL'), GONE_WITHIN_MS);
    await gone;
    clearTimeout(late);
  };
  return {
    name: settings.name,
    pid: () => child?.pid ?? 0,
    signal,
    output: () => said,
    async start() {
      const started = launch();
      child = started;
      const deadlineMs = Date.now() + READY_WITHIN_MS;
      while (!(await settings.ready())) {
        if (started.exitCode !== null || started.signalCode !== null || Date.now() > deadlineMs)
          throw new Error(`${settings.name} did not become ready; its last words:\n${said}`);
        await delay(POLL_MS);
      }
    },
    async [Symbol.asyncDispose]() {
      await signal('SIGCONT'); // a test may have left it frozen
      await signal('SIGTERM');
    },
  };
}

/** One of our services, run from its sources; ready when its probe says so. */
export function service(
  room: string,
  name: string,
  url: string,
  env: Readonly<Record<string, string>>,
): Program {
  return program({
    name,
    command: process.execPath,
    args: ['--conditions=moltbot-source', `services/${room}/src/main.ts`],
    env,
    ready: () => answersReady(url),
  });
}

async function answersReady(url: string): Promise<boolean> {
  return fetch(`${url}/readyz`).then(
    (response) => response.ok,
    () => false, // nothing listens yet
  );
}
