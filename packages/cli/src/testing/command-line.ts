import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { Method } from '@moltbot/client/testing';
import { type ScriptedGateway, startScriptedGateway } from '@moltbot/client/testing';
import { run } from '../program.ts';

export type Outcome = Readonly<{ code: number; out: string; err: string; json: () => unknown }>;
export type Shell = Readonly<{ env?: Record<string, string>; interrupted?: AbortSignal; home?: string }>;

/** Runs one command line with an environment of its own: nothing of this machine's is read. */
export async function moltbot(args: readonly string[], shell: Shell = {}): Promise<Outcome> {
  const [out, err] = [new Sink(), new Sink()];
  const code = await run(args, {
    env: {
      HOME: shell.home ?? emptyHome(),
      MOLTBOT_STATE_DIR: join(shell.home ?? emptyHome(), 'state'),
      ...shell.env,
    },
    stdout: out,
    stderr: err,
    isInteractive: false,
    interrupted: shell.interrupted ?? new AbortController().signal,
  });
  return { code, out: out.text, err: err.text, json: () => JSON.parse(out.text) as unknown };
}

export const emptyHome = (): string => mkdtempSync(join(tmpdir(), 'moltbot-cli-'));

class Sink extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString('utf8');
    done();
  }
}

export type Bench = AsyncDisposable & {
  readonly gateway: ScriptedGateway;
  readonly moltbot: (...args: string[]) => Promise<Outcome>;
};

/** A gateway that answers as told, and the command pointed at it. */
export async function bench(
  methods: Record<string, Method>,
  features: readonly string[] = [],
): Promise<Bench> {
  const gateway = await startScriptedGateway({ methods, features });
  const env = { MOLTBOT_GATEWAY_URL: gateway.url, MOLTBOT_GATEWAY_TOKEN: 'a'.repeat(32) };
  return {
    gateway,
    moltbot: (...args) => moltbot(args, { env }),
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
}
