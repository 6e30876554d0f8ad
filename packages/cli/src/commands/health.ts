import { Command } from 'commander';
import { Exit } from '../failure.ts';
import { count } from '../output/format.ts';
import { connectOptions, withGateway } from '../target/gateway.ts';
import type { Printer, Terminal } from '../terminal.ts';

export type Health = Readonly<{
  ok: boolean;
  ts: number;
  durationMs: number;
  defaultAgentId?: string;
  agents?: readonly Readonly<{ agentId: string; sessions?: { count: number } }>[];
  sessions?: Readonly<{ path?: string; count: number }>;
}>;

/** `short` is `gateway health`: one line, as scripts expect it. */
export function healthCommand(terminal: Terminal, print: Printer, { short = false } = {}): Command {
  return new Command('health')
    .description('Whether the gateway answers and is well')
    .option('--probe', 'look again instead of taking the last result')
    .action(async ({ probe = false }: { probe?: boolean }, command: Command) => {
      const startedAtMs = performance.now();
      const health = await withGateway(terminal, command, (gateway) =>
        gateway.call<Health>('health', probe ? { probe } : undefined),
      );
      const tookMs = Math.round(performance.now() - startedAtMs);
      if (connectOptions(command).json) print.json(health);
      else report(print, health, tookMs, short);
      if (!health.ok) throw new Exit(1);
    });
}

function report(print: Printer, health: Health, tookMs: number, short: boolean): void {
  print.title('Gateway Health');
  print.line(
    health.ok
      ? `${print.style('green', 'OK')} (${tookMs}ms)`
      : `${print.style('red', 'NOT OK')} (${tookMs}ms)`,
  );
  if (short) return;
  const agents = (health.agents ?? []).map(({ agentId }) =>
    agentId === health.defaultAgentId ? `${agentId} (default)` : agentId,
  );
  if (agents.length > 0) print.line(`Agents: ${agents.join(', ')}`);
  if (health.sessions) print.line(`Sessions: ${count(health.sessions.count)}`);
}
