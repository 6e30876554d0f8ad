import { readFile } from 'node:fs/promises';
import { type ConfigIssue, MoltbotConfig } from '@moltbot/shared/contracts';
import { Command } from 'commander';
import JSON5 from 'json5';
import { Exit, Failure } from '../../failure.ts';
import { connectOptions, withGateway } from '../../target/gateway.ts';
import type { Printer, Terminal } from '../../terminal.ts';
import { readConfig } from './change.ts';

type Verdict = Readonly<{
  path: string;
  valid: boolean;
  issues: readonly ConfigIssue[];
  warnings: readonly ConfigIssue[];
}>;

export function validateCommand(terminal: Terminal, print: Printer): Command {
  return new Command('validate')
    .description("Check the gateway's configuration, or a file before it is used")
    .argument('[file]', 'a file here; no gateway is asked')
    .action(async (file: string | undefined, _options: unknown, command: Command) => {
      const verdict =
        file === undefined ? await withGateway(terminal, command, askGateway) : await readHere(file);
      if (connectOptions(command).json) print.json(verdict);
      else report(print, verdict);
      if (!verdict.valid) throw new Exit(1);
    });
}

const askGateway: Parameters<typeof withGateway<Verdict>>[2] = async (gateway) => {
  const { path, valid, issues, warnings = [] } = await readConfig(gateway);
  return { path, valid, issues, warnings };
};

/** Keys and types of one file. `${NAME}` is not replaced and `$include` not followed: both are the server's. */
export async function readHere(path: string): Promise<Verdict> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new Failure(`cannot read ${path}`, undefined, { cause });
  });
  let tree: unknown;
  try {
    tree = JSON5.parse(text);
  } catch (error) {
    return { path, valid: false, issues: [{ path: '', message: String(error) }], warnings: [] };
  }
  const isTree = typeof tree === 'object' && tree !== null && !Array.isArray(tree);
  const { $include: included, ...own } = (isTree ? tree : {}) as Record<string, unknown>;
  const parsed = MoltbotConfig.safeParse(isTree ? own : tree);
  const issues = (parsed.error?.issues ?? []).map(({ path: at, message }) => ({
    path: at.join('.'),
    message,
  }));
  const warnings =
    included !== undefined ? [{ path: '$include', message: 'the included files are not checked here' }] : [];
  return { path, valid: parsed.success, issues, warnings };
}

function report(print: Printer, { path, valid, issues, warnings }: Verdict): void {
  print.line(
    valid ? `${print.style('green', 'Valid')}: ${path}` : `${print.style('red', 'Not valid')}: ${path}`,
  );
  for (const issue of issues) print.line(`  ${issue.path || '(file)'}: ${issue.message}`);
  for (const warning of warnings)
    print.line(print.style('yellow', `  warning: ${warning.path}: ${warning.message}`));
}
