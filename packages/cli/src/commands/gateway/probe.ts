import { Command } from 'commander';
import { Exit, Failure } from '../../failure.ts';
import { type ConnectOptions, connectGateway, connectOptions } from '../../target/gateway.ts';
import { resolveTarget } from '../../target/target.ts';
import type { Printer, Terminal } from '../../terminal.ts';

type Probe = Readonly<{
  url: string;
  connect: boolean;
  rpc: boolean;
  connectMs?: number;
  error?: string;
  nextStep?: string;
}>;

export function probeCommand(terminal: Terminal, print: Printer): Command {
  return new Command('probe')
    .description('Try to reach one or more gateways')
    .argument('[urls...]', 'gateways to try; without any, the one other commands use')
    .action(async (urls: string[], _options: unknown, command: Command) => {
      const options = connectOptions(command);
      const targets = urls.length > 0 ? urls : [resolveTarget(options, terminal.env).url];
      const probes = await Promise.all(targets.map((url) => probe(terminal, { ...options, url })));
      const isReachable = probes.some(({ rpc }) => rpc);
      if (options.json) print.json({ ok: isReachable, targets: probes });
      else for (const result of probes) report(print, result);
      if (!isReachable) throw new Exit(1);
    });
}

/** Connecting and calling are told apart: a wrong token and a sick gateway need different help. */
async function probe(terminal: Terminal, options: ConnectOptions & { url: string }): Promise<Probe> {
  const { url } = options;
  let connectMs: number | undefined;
  try {
    using gateway = await connectGateway(terminal, options, { mode: 'probe' });
    connectMs = gateway.connectMs;
    await gateway.call('health');
    return { url: gateway.target.url, connect: true, rpc: true, connectMs };
  } catch (error) {
    const nextStep = error instanceof Failure ? error.nextStep : undefined;
    return {
      url,
      connect: connectMs !== undefined,
      rpc: false,
      error: error instanceof Error ? error.message : String(error),
      ...(connectMs !== undefined && { connectMs }),
      ...(nextStep !== undefined && { nextStep }),
    };
  }
}

function report(print: Printer, probe: Probe): void {
  const took = probe.connectMs === undefined ? '' : ` (${probe.connectMs}ms)`;
  const connect = probe.connect ? print.style('green', 'ok') + took : print.style('red', 'failed');
  print.line(probe.url);
  print.line(
    `  Connect: ${connect} · RPC: ${probe.rpc ? print.style('green', 'ok') : print.style('red', 'failed')}`,
  );
  if (probe.error) print.line(`  ${probe.error}`);
  if (probe.nextStep) print.line(`  ${probe.nextStep}`);
}
