import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { Exit, Failure } from '../../failure.ts';
import { connectGateway, connectOptions } from '../../target/gateway.ts';
import { resolveTarget } from '../../target/target.ts';
import type { Printer, Terminal } from '../../terminal.ts';

const UNIT = 'moltbot-gateway.service';

type Probe = Readonly<{
  ok: boolean;
  connectMs?: number;
  version?: string;
  protocol?: number;
  error?: string;
  nextStep?: string;
}>;
type Service = Readonly<{ unit: string; loaded: boolean; state: string; pid?: number }>;

export function gatewayStatusCommand(terminal: Terminal, print: Printer): Command {
  return new Command('status')
    .description('The service on this machine, and whether the gateway answers')
    .action(async (_options: unknown, command: Command) => {
      const options = connectOptions(command);
      const target = resolveTarget(options, terminal.env);
      const [service, probe] = await Promise.all([systemdService(), probeGateway(terminal, command)]);
      if (options.json) {
        print.json({
          service,
          gateway: { url: target.url, urlSource: target.urlSource, tokenSource: target.tokenSource },
          rpc: probe,
        });
      } else {
        print.line(`Service: ${describeService(service)}`);
        print.line(`Gateway: ${target.url} (${target.urlSource})`);
        print.line(`Token: from ${target.tokenSource}`);
        print.line(
          `RPC probe: ${probe.ok ? print.style('green', 'ok') : print.style('red', 'failed')}${describeProbe(probe)}`,
        );
        if (probe.nextStep) print.note(`  ${probe.nextStep}`);
      }
      if (!probe.ok) throw new Exit(1);
    });
}

/** Never throws: that the gateway is away is a result here, not a fault. */
async function probeGateway(terminal: Terminal, command: Command): Promise<Probe> {
  try {
    using gateway = await connectGateway(terminal, connectOptions(command), { mode: 'probe' });
    await gateway.call('health');
    const { hello } = gateway.client;
    return {
      ok: true,
      connectMs: gateway.connectMs,
      ...(hello && { version: hello.server.version, protocol: hello.protocol }),
    };
  } catch (error) {
    const nextStep = error instanceof Failure ? error.nextStep : undefined;
    return {
      ok: false,
      error: error instanceof Error ? error.message : String(error),
      ...(nextStep !== undefined && { nextStep }),
    };
  }
}

async function systemdService(): Promise<Service | undefined> {
  try {
    const { stdout } = await promisify(execFile)(
      'systemctl',
      ['show', UNIT, '--property=LoadState,ActiveState,MainPID'],
      { timeout: 2_000 },
    );
    const facts = new Map(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split('=', 2) as [string, string]),
    );
    const pid = Number(facts.get('MainPID') ?? 0);
    return {
      unit: UNIT,
      loaded: facts.get('LoadState') === 'loaded',
      state: facts.get('ActiveState') ?? 'unknown',
      ...(pid > 0 && { pid }),
    };
  } catch {
    return undefined; // No systemd here: a container, a Mac, a workstation.
  }
}

function describeService(service: Service | undefined): string {
  if (!service) return 'no systemd on this machine';
  if (!service.loaded) return `${service.unit} is not installed on this machine`;
  return `${service.unit} ${service.state}${service.pid === undefined ? '' : ` (pid ${service.pid})`}`;
}

function describeProbe(probe: Probe): string {
  return probe.ok
    ? ` (${probe.connectMs}ms, version ${probe.version}, protocol ${probe.protocol})`
    : `: ${probe.error}`;
}
