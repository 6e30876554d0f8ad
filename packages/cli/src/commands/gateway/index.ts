import { Command } from 'commander';
import { positiveInteger } from '../../arguments.ts';
import type { Printer, Terminal } from '../../terminal.ts';
import { healthCommand } from '../health.ts';
import { callCommand } from './call.ts';
import { probeCommand } from './probe.ts';
import { runGateway } from './run.ts';
import { gatewayStatusCommand } from './status.ts';
import { usageCostCommand } from './usage-cost.ts';

export function gatewayCommand(terminal: Terminal, print: Printer): Command {
  const gateway = new Command('gateway').description('Run a gateway, ask it, call its methods.');
  gateway
    .command('run')
    .description('Run gateway, workers, sessions and Redis in this process (one server)')
    .option('--port <port>', 'port of HTTP and WebSocket', positiveInteger)
    .action((options: { port?: number }) => runGateway(terminal, options));
  gateway.addCommand(callCommand(terminal, print));
  gateway.addCommand(healthCommand(terminal, print, { short: true }));
  gateway.addCommand(gatewayStatusCommand(terminal, print));
  gateway.addCommand(probeCommand(terminal, print));
  gateway.addCommand(usageCostCommand(terminal, print));
  return gateway;
}
