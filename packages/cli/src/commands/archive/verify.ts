import type { ArchiveFault, VerifyPage } from '@moltbot/shared/contracts';
import { Command } from 'commander';
import { Exit } from '../../failure.ts';
import { printTable } from '../../output/table.ts';
import { connectOptions, withGateway } from '../../target/gateway.ts';
import type { Printer, Terminal } from '../../terminal.ts';
import { eachPage } from './pages.ts';
import { createProgress } from './progress.ts';

type Sum = { sessions: number; records: number; torn: number; faults: ArchiveFault[] };

export function verifyCommand(terminal: Terminal, print: Printer): Command {
  return new Command('verify')
    .description('Read the whole archive: every line, every number, and against what Redis holds')
    .option('--user <id>', 'of one user')
    .action(async ({ user }: { user?: string }, command: Command) => {
      const sum = await verifyAll(terminal, command, user);
      const ok = sum.faults.length === 0;
      if (connectOptions(command).json) print.json({ ok, ...sum });
      else report(print, sum);
      if (!ok) throw new Exit(1);
    });
}

async function verifyAll(terminal: Terminal, command: Command, user: string | undefined): Promise<Sum> {
  const sum: Sum = { sessions: 0, records: 0, torn: 0, faults: [] };
  const progress = createProgress(terminal);
  await withGateway(terminal, command, async (gateway) => {
    const params = user === undefined ? {} : { uid: user };
    await eachPage<VerifyPage>(gateway, 'archive.verify', params, (page) => {
      sum.sessions += page.sessions;
      sum.records += page.records;
      sum.torn += page.torn;
      sum.faults.push(...page.faults);
      progress.show(`${sum.sessions} sessions, ${sum.faults.length} faults`);
    });
  }).finally(progress.end);
  return sum;
}

function report(print: Printer, { sessions, records, torn, faults }: Sum): void {
  reportFaults(print, faults);
  print.line(`Sessions: ${sessions}   Records: ${records}`);
  print.line(`Torn ends: ${torn}${torn > 0 ? ' (what a crash leaves; harmless)' : ''}`);
  const damaged = new Set(faults.map(({ uid, sid }) => `${uid}/${sid}`)).size;
  if (sessions === 0 && damaged === 0) print.line('Nothing was found to verify.');
  else print.line(damaged === 0 ? 'The archive is whole.' : `Sessions with a fault: ${damaged}`);
}

export function reportFaults(print: Printer, faults: readonly ArchiveFault[]): void {
  if (faults.length === 0) return;
  printTable(
    print,
    ['User', 'Session', 'Fault', 'Where'],
    faults.map(({ uid, sid, kind, where }) => [uid, sid, kind, where]),
  );
  print.line();
}
