import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Exit, Failure } from '../../failure.ts';
import type { Terminal } from '../../terminal.ts';

type Program = Readonly<{ place: URL; nodeArguments: readonly string[] }>;

/** Beside the bundled command, or in the source tree. */
const PROGRAMS: readonly Program[] = [
  { place: new URL('./standalone.mjs', import.meta.url), nodeArguments: [] },
  {
    place: new URL('../../../../../services/standalone/src/main.ts', import.meta.url),
    nodeArguments: ['--conditions=moltbot-source'],
  },
];

/**
 * Becomes the gateway: the process keeps its id, so that signals, systemd and a
 * container's first process need no middleman.
 */
export function runGateway(terminal: Terminal, options: Readonly<{ port?: number }>): void {
  const program = PROGRAMS.find(({ place }) => existsSync(place));
  if (!program) {
    throw new Failure(
      'this installation has no gateway program',
      'run `npm start` in a checkout, or use the container image',
    );
  }
  const port =
    options.port === undefined
      ? {}
      : { MOLTBOT_GATEWAY_PORT: String(options.port), CLAWDBOT_GATEWAY_PORT: String(options.port) };
  const env = Object.fromEntries(
    Object.entries({ ...terminal.env, ...port }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );
  process.execve?.(
    process.execPath,
    [process.execPath, ...program.nodeArguments, fileURLToPath(program.place)],
    env,
  );
  throw new Exit(1);
}
