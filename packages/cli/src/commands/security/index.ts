import { Command, Option } from 'commander';
import type { Printer, Terminal } from '../../terminal.ts';
import { audit, type AuditOptions } from './audit.ts';
import { SEVERITIES } from './finding.ts';

export function securityCommand(terminal: Terminal, print: Printer): Command {
  const security = new Command('security').description('What could let somebody in.');
  security
    .command('audit')
    .description('Check configuration, tokens, files and the open door')
    .option('--deep', 'also try what must be refused: a wrong token, pages without a token')
    .option('--fix', 'repair file modes first, as `doctor --fix` does')
    .addOption(new Option('--fail-on <severity>', 'exit with 1 from this severity on').choices(SEVERITIES))
    .action((options: AuditOptions, command: Command) => audit(terminal, print, command, options));
  return security;
}
