import { Command } from 'commander';
import { jsonArgument } from '../../arguments.ts';
import { Exit, Failure } from '../../failure.ts';
import { type Gateway, withGateway } from '../../target/gateway.ts';
import type { Printer, Terminal } from '../../terminal.ts';

/** A turn may wait in line and then think for minutes. */
const FINAL_TIMEOUT_MS = 600_000;

type Options = Readonly<{ params?: unknown; expectFinal?: boolean; timeout?: number }>;

export function callCommand(terminal: Terminal, print: Printer): Command {
  return new Command('call')
    .description('Call one method and print its answer as JSON')
    .argument('<method>', 'for example health, config.get, sessions.list')
    .option('--params <json>', 'parameters of the method (JSON or JSON5)', jsonArgument)
    .option('--expect-final', 'of two answers (agent), wait for the second')
    .action(async (method: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      try {
        print.json(await withGateway(terminal, command, (gateway) => call(gateway, method, options)));
      } catch (error) {
        // The words scripts look for.
        print.note(`Gateway call failed: Error: ${error instanceof Error ? error.message : String(error)}`);
        if (error instanceof Failure && error.nextStep) print.note(`  ${error.nextStep}`);
        throw new Exit(1);
      }
    });
}

function call(gateway: Gateway, method: string, options: Options): Promise<unknown> {
  const { params = {}, expectFinal = false } = options;
  const timeoutMs = options.timeout ?? (expectFinal ? FINAL_TIMEOUT_MS : gateway.timeoutMs);
  return gateway.call(method, params, { expectFinal, timeoutMs });
}
