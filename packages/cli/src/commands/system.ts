import { Command } from 'commander';
import { ago } from '../output/format.ts';
import { printTable } from '../output/table.ts';
import { connectOptions, withGateway } from '../target/gateway.ts';
import type { Printer, Terminal } from '../terminal.ts';

type Presence = Readonly<{
  host?: string;
  ip?: string;
  mode?: string;
  version?: string;
  platform?: string;
  reason?: string;
  text?: string;
  ts: number;
}>;

export function systemCommand(terminal: Terminal, print: Printer): Command {
  const system = new Command('system').description('Who and what is connected.');
  system
    .command('presence')
    .description('Connected clients')
    .action(async (_options: unknown, command: Command) => {
      const entries = await withGateway(terminal, command, (gateway) =>
        gateway.call<readonly Presence[]>('system-presence', {}),
      );
      // Upstream prints JSON whatever is asked; ours keeps that for programs.
      if (connectOptions(command).json) return print.json(entries);
      if (entries.length === 0) return print.line('Nobody is connected.');
      printTable(
        print,
        ['Host', 'IP', 'Mode', 'Version', 'Platform', 'Seen', 'Text'],
        entries.map((entry) => [
          entry.host ?? '',
          entry.ip ?? '',
          entry.mode ?? '',
          entry.version ?? '',
          entry.platform ?? '',
          ago(entry.ts),
          entry.text ?? entry.reason ?? '',
        ]),
      );
    });
  return system;
}
