import { Command } from 'commander';
import { positiveInteger } from '../../arguments.ts';
import { count, money } from '../../output/format.ts';
import { printTable } from '../../output/table.ts';
import { connectOptions, withGateway } from '../../target/gateway.ts';
import type { Printer, Terminal } from '../../terminal.ts';
import { readCost } from '../models/usage-report.ts';

/** The first two lines are upstream's; scripts read them. */
export function usageCostCommand(terminal: Terminal, print: Printer): Command {
  return new Command('usage-cost')
    .description('What the tokens of the last days cost')
    .option('--days <n>', 'days back from today', positiveInteger, 30)
    .action(async ({ days }: { days: number }, command: Command) => {
      const usage = await withGateway(terminal, command, (gateway) => readCost(gateway, days));
      if (connectOptions(command).json) return print.json(usage);
      print.title(`Usage cost (${usage.days} days)`);
      print.line(`Total: ${money(usage.totals.totalCost)} · ${count(usage.totals.totalTokens)} tokens`);
      if (usage.totals.missingCostEntries > 0) {
        print.line(
          `${usage.totals.missingCostEntries} calls had a model without a price; they count as tokens only`,
        );
      }
      const spent = usage.daily.filter((entry) => entry.totalTokens > 0);
      if (spent.length === 0) return;
      print.line();
      printTable(
        print,
        ['Day', 'Cost', 'Tokens', 'Input', 'Output', 'Cache read', 'Cache write'],
        spent.map((entry) => [
          entry.date,
          money(entry.totalCost),
          count(entry.totalTokens),
          count(entry.input),
          count(entry.output),
          count(entry.cacheRead),
          count(entry.cacheWrite),
        ]),
      );
    });
}
