import { Command } from 'commander';
import { Exit } from '../../failure.ts';
import { connectOptions, withGateway } from '../../target/gateway.ts';
import type { Printer, Terminal } from '../../terminal.ts';
import { type ModelStatus, readModelStatus } from './catalogue.ts';

const NONE = '-';

export function modelStatusCommand(terminal: Terminal, print: Printer): Command {
  return new Command('status')
    .description('The model in use, and whether its provider has a key')
    .option('--check', 'exit with 1 when the default model cannot be used')
    .action(async ({ check = false }: { check?: boolean }, command: Command) => {
      const answer = await withGateway(terminal, command, readModelStatus);
      const status = { ...answer, problems: problemsOf(answer) };
      if (connectOptions(command).json) print.json(status);
      else report(print, status, status.problems);
      if (check && status.problems.length > 0) throw new Exit(1);
    });
}

/** What `--check` goes by. A fallback without a key is reported too: it will be needed on a bad day. */
function problemsOf({ defaultModel, resolvedDefault, fallbacks, auth, ready }: ModelStatus): string[] {
  if (resolvedDefault === null) {
    return [
      defaultModel === null
        ? 'no default model is set (agents.defaults.model.primary)'
        : `${defaultModel} is not offered by any provider`,
    ];
  }
  const used = new Set([resolvedDefault, ...fallbacks].map((key) => key.split('/', 1)[0] ?? key));
  const without = auth.providers.filter(({ provider, hasKey }) => used.has(provider) && !hasKey);
  const problems = without.map(({ provider }) => `the provider ${provider} has no key`);
  return ready || problems.length > 0 ? problems : [`${resolvedDefault} is not ready`];
}

function report(print: Printer, status: ModelStatus, problems: readonly string[]): void {
  const aliases = Object.entries(status.aliases).map(([alias, key]) => `${alias} -> ${key}`);
  print.line(`Config        : ${status.configPath}`);
  print.line(`Default       : ${print.style('bold', status.resolvedDefault ?? NONE)}`);
  print.line(`Fallbacks     : ${status.fallbacks.join(', ') || NONE}`);
  print.line(`Aliases       : ${aliases.join(', ') || NONE}`);
  print.line(`Allowed       : ${status.allowed.join(', ') || 'all'}`);
  for (const { provider, hasKey } of status.auth.providers) {
    print.line(`Provider      : ${provider} ${hasKey ? 'has a key' : 'has no key'}`);
  }
  for (const problem of problems) print.line(print.style('red', `Problem       : ${problem}`));
  if (problems.length === 0) print.line(print.style('green', 'Ready'));
}
