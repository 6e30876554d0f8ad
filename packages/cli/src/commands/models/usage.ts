import { Command, Option } from 'commander';
import { positiveInteger } from '../../arguments.ts';
import { count, money } from '../../output/format.ts';
import { printTable } from '../../output/table.ts';
import { connectOptions, withGateway } from '../../target/gateway.ts';
import type { Printer, Terminal } from '../../terminal.ts';
import { entriesOf, readUsage, type UsageEntry } from './usage-report.ts';

const GROUPINGS = { day: 'Day', model: 'Model' } as const;
type Grouping = keyof typeof GROUPINGS;
type Options = Readonly<{ days: number; all?: boolean; by?: Grouping }>;

export function modelUsageCommand(terminal: Terminal, print: Printer): Command {
  return new Command('usage')
    .description('Tokens and cost by day and model')
    .option('--days <n>', 'days back from today', positiveInteger, 30)
    .option('--all', "everybody's, not yours alone (administrators)")
    .addOption(new Option('--by <what>', 'add up by').choices(Object.keys(GROUPINGS)))
    .action(async ({ days, all, by }: Options, command: Command) => {
      const query = { days, ...(all === true && { all }) };
      const report = await withGateway(terminal, command, (gateway) => readUsage(gateway, query));
      if (connectOptions(command).json) return print.json(report);
      const entries = entriesOf(report);
      print.title(`Model usage of ${report.user} (${report.days} days)`);
      print.line(`Total: ${money(cost(entries))} · ${count(sum(entries, (entry) => entry.tokens))} tokens`);
      if (entries.length === 0) return print.line('Nothing was used in these days.');
      print.line();
      if (by) printSums(print, by, entries);
      else printEntries(print, entries);
    });
}

function printEntries(print: Printer, entries: readonly UsageEntry[]): void {
  printTable(
    print,
    ['Day', 'Model', 'Calls', 'Input', 'Output', 'Cache read', 'Cache write', 'Cost'],
    entries.map((entry) => [
      entry.day,
      entry.model,
      count(entry.calls),
      count(entry.input),
      count(entry.output),
      count(entry.cacheRead),
      count(entry.cacheWrite),
      entry.unpriced > 0 && entry.costMicroUsd === 0 ? 'no price' : money(entry.costMicroUsd / 1e6),
    ]),
  );
}

/** Days in order, models with the dearest first: that is the line one looks for. */
function printSums(print: Printer, by: Grouping, entries: readonly UsageEntry[]): void {
  const groups = [...Map.groupBy(entries, (entry) => entry[by])].map(([key, group]) => ({
    key,
    calls: sum(group, (entry) => entry.calls),
    tokens: sum(group, (entry) => entry.tokens),
    cost: cost(group),
  }));
  groups.sort((a, b) => (by === 'day' ? a.key.localeCompare(b.key) : b.cost - a.cost || b.tokens - a.tokens));
  printTable(
    print,
    [GROUPINGS[by], 'Calls', 'Tokens', 'Cost'],
    groups.map((group) => [group.key, count(group.calls), count(group.tokens), money(group.cost)]),
  );
}

const cost = (entries: readonly UsageEntry[]): number => sum(entries, (entry) => entry.costMicroUsd) / 1e6;

const sum = (entries: readonly UsageEntry[], of: (entry: UsageEntry) => number): number =>
  entries.reduce((total, entry) => total + of(entry), 0);
