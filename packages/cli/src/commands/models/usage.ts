import { Command } from 'commander';
import { positiveInteger } from '../../arguments.ts';
import { count, money } from '../../output/format.ts';
import { printTable } from '../../output/table.ts';
import { connectOptions, withGateway } from '../../target/gateway.ts';
import type { Printer, Terminal } from '../../terminal.ts';
import { readModelUsage, type UsageEntry } from './usage-report.ts';

const GROUPINGS = { day: 'Day', user: 'User', model: 'Model' } as const;
type Grouping = keyof typeof GROUPINGS;
type Options = Readonly<{ days: number; user?: string; by: Grouping }>;

export function modelUsageCommand(terminal: Terminal, print: Printer): Command {
  const usage = new Command('usage').description('Tokens and cost by day, user and model');
  usage
    .option('--days <n>', 'days back from today', positiveInteger, 30)
    .option('--user <id>', 'of one user only')
    .addOption(usage.createOption('--by <what>', 'add up by').choices(Object.keys(GROUPINGS)))
    .action(async ({ days, user, by }: Options, command: Command) => {
      const query = { days, ...(user !== undefined && { userId: user }) };
      const report = await withGateway(terminal, command, (gateway) => readModelUsage(gateway, query));
      if (connectOptions(command).json) return print.json(report);
      print.title(`Model usage (${report.days} days)`);
      print.line(`Total: ${money(report.totals.totalCost)} · ${count(report.totals.totalTokens)} tokens`);
      const entries =
        report.entries ??
        report.daily.filter((d) => d.totalTokens > 0).map((d) => ({ ...d, model: '', calls: 0 }));
      if (entries.length === 0) return print.line('Nothing was used in these days.');
      print.line();
      if (by) printSums(print, by, entries);
      else printEntries(print, entries);
    });
  return usage;
}

function printEntries(print: Printer, entries: readonly UsageEntry[]): void {
  printTable(
    print,
    ['Day', 'User', 'Model', 'Calls', 'Input', 'Output', 'Cache read', 'Cache write', 'Cost'],
    entries.map((entry) => [
      entry.date,
      entry.userId ?? '',
      entry.model,
      entry.calls > 0 ? String(entry.calls) : '',
      count(entry.input),
      count(entry.output),
      count(entry.cacheRead),
      count(entry.cacheWrite),
      money(entry.totalCost),
    ]),
  );
}

/** Days in order, everything else with the dearest first: that is the line one looks for. */
function printSums(print: Printer, by: Grouping, entries: readonly UsageEntry[]): void {
  const name = (entry: UsageEntry): string =>
    ({ day: entry.date, user: entry.userId, model: entry.model })[by] ?? '';
  const groups = [...Map.groupBy(entries, name)].map(([key, group]) => ({
    key,
    calls: sum(group, (entry) => entry.calls),
    tokens: sum(group, (entry) => entry.totalTokens),
    cost: sum(group, (entry) => entry.totalCost),
  }));
  groups.sort((a, b) => (by === 'day' ? a.key.localeCompare(b.key) : b.cost - a.cost || b.tokens - a.tokens));
  printTable(
    print,
    [GROUPINGS[by], 'Calls', 'Tokens', 'Cost'],
    groups.map((group) => [group.key, count(group.calls), count(group.tokens), money(group.cost)]),
  );
}

const sum = (entries: readonly UsageEntry[], of: (entry: UsageEntry) => number): number =>
  entries.reduce((total, entry) => total + of(entry), 0);
