import { Command } from 'commander';
import { Exit } from '../../failure.ts';
import { connectOptions } from '../../target/gateway.ts';
import type { Printer, Terminal } from '../../terminal.ts';
import type { Check, Level, Section } from './check.ts';
import { checkInstallation } from './care.ts';
import { checkGateway } from './gateway.ts';
import { checkConfigFile, checkMachine, checkPermissions } from './machine.ts';

const MARKS: Readonly<Record<Level, readonly [mark: string, colour: 'green' | 'yellow' | 'red' | 'cyan']>> = {
  ok: ['ok', 'green'],
  warning: ['warning', 'yellow'],
  problem: ['problem', 'red'],
  fixed: ['fixed', 'cyan'],
};

type Options = Readonly<{ fix?: boolean }>;

/** The gateway first, since most calls for a doctor are about a token or an address. */
export function doctorCommand(terminal: Terminal, print: Printer): Command {
  return new Command('doctor')
    .description('Find out why the gateway does not start or does not answer')
    .option('--fix', 'repair file modes, stuck sessions and what is counted wrongly')
    .option('--non-interactive', 'ask nothing (this command never asks)')
    .action(async ({ fix = false }: Options, command: Command) => {
      const options = connectOptions(command);
      const sections: Section[] = [
        { title: 'Gateway', checks: await checkGateway(terminal, options) },
        { title: 'Installation', checks: await checkInstallation(terminal, options, { fix }) },
        { title: 'Configuration', checks: await checkConfigFile(terminal.env) },
        { title: 'Files', checks: await checkPermissions(terminal.env, { fix }) },
        { title: 'Machine', checks: await checkMachine(terminal.env) },
      ].filter(({ checks }) => checks.length > 0);
      const problems = sections.flatMap(({ checks }) => checks).filter(({ level }) => level === 'problem');
      if (options.json) print.json({ ok: problems.length === 0, sections });
      else report(print, sections, problems.length);
      if (problems.length > 0) throw new Exit(1);
    });
}

function report(print: Printer, sections: readonly Section[], problems: number): void {
  for (const { title, checks } of sections) {
    print.title(`── ${title} ${'─'.repeat(Math.max(0, 60 - title.length))}`);
    for (const check of checks) reportCheck(print, check);
    print.line();
  }
  print.line(
    problems === 0
      ? 'Doctor complete.'
      : `Doctor complete: ${problems} ${problems === 1 ? 'problem' : 'problems'} left.`,
  );
}

function reportCheck(print: Printer, { level, text, nextStep }: Check): void {
  const [mark, colour] = MARKS[level];
  print.line(`  ${print.style(colour, mark.padEnd(8))} ${text}`);
  if (nextStep !== undefined) print.line(`           ${nextStep}`);
}
