import type { ArchiveFault, RestorePage } from '@moltbot/shared/contracts';
import { Command } from 'commander';
import { connectOptions, withGateway } from '../../target/gateway.ts';
import type { Printer, Terminal } from '../../terminal.ts';
import { eachPage } from './pages.ts';
import { createProgress } from './progress.ts';
import { reportFaults } from './verify.ts';

type Sum = Record<'restored' | 'kept' | 'older' | 'empty' | 'records', number> & { faults: ArchiveFault[] };

/** `restore` and `archive restore` are one. */
export function restoreCommand(terminal: Terminal, print: Printer): Command {
  return new Command('restore')
    .description('Bring the sessions of the archive back into a Redis that has lost them')
    .option('--merge', 'into a Redis that is in use: only what it does not hold')
    .action(async ({ merge = false }: { merge?: boolean }, command: Command) => {
      const sum = await restoreAll(terminal, command, merge);
      if (connectOptions(command).json) return print.json(sum);
      report(print, sum);
    });
}

async function restoreAll(terminal: Terminal, command: Command, merge: boolean): Promise<Sum> {
  const sum: Sum = { restored: 0, kept: 0, older: 0, empty: 0, records: 0, faults: [] };
  const progress = createProgress(terminal);
  await withGateway(terminal, command, async (gateway) => {
    await eachPage<RestorePage>(gateway, 'archive.restore', { merge }, (page) => {
      for (const name of ['restored', 'kept', 'older', 'empty', 'records'] as const) sum[name] += page[name];
      sum.faults.push(...page.faults);
      progress.show(`${sum.restored} sessions restored`);
    });
  }).finally(progress.end);
  return sum;
}

function report(print: Printer, { restored, records, kept, older, empty, faults }: Sum): void {
  reportFaults(print, faults);
  print.line(`Sessions restored: ${restored} (${records} records)`);
  if (kept > 0) print.line(`Left as Redis has them: ${kept}`);
  if (older > 0) print.line(`Earlier generations, in the archive only: ${older}`);
  if (empty > 0) print.line(`Nothing to restore in: ${empty}`);
  if (restored + kept + older + empty === 0) print.line('The archive holds no sessions.');
}
