/** The checks that read the code without running it. Each counts as one named check in the total. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export type Gate = Readonly<{ name: string; command: readonly string[] }>;

const bin = (name: string): string => `node_modules/.bin/${name}`;

export const GATES: readonly Gate[] = [
  { name: 'formatting', command: [bin('oxfmt'), '--check'] },
  { name: 'lint', command: [bin('oxlint'), '--type-aware'] },
  { name: 'types', command: [bin('tsc'), '-b'] },
  { name: 'types of the page', command: [bin('tsc'), '-p', 'packages/web'] },
  { name: 'generated files are fresh', command: [process.execPath, 'scripts/lua-modules.ts', '--check'] },
  {
    name: 'configuration page is fresh',
    command: [process.execPath, '--conditions=moltbot-source', 'scripts/config-docs.ts', '--check'],
  },
  { name: 'dead code', command: [bin('knip'), '--no-config-hints'] },
];

/** Runs a command with our own output and answers its exit code; 1 where it cannot start. */
export async function run(command: readonly string[]): Promise<number> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = await Promise.race([once(child, 'close'), once(child, 'error').then(() => [1])]);
  return typeof code === 'number' ? code : 1;
}
