import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { agentCommand } from './commands/agent.ts';
import { archiveCommand } from './commands/archive/index.ts';
import { restoreCommand } from './commands/archive/restore.ts';
import { configCommand } from './commands/config/index.ts';
import { doctorCommand } from './commands/doctor/doctor.ts';
import { gatewayCommand } from './commands/gateway/index.ts';
import { healthCommand } from './commands/health.ts';
import { logsCommand } from './commands/logs.ts';
import { modelsCommand } from './commands/models/index.ts';
import { securityCommand } from './commands/security/index.ts';
import { sessionsCommand } from './commands/sessions.ts';
import { statusCommand } from './commands/status.ts';
import { systemCommand } from './commands/system.ts';
import { tokensCommand } from './commands/tokens.ts';
import { Exit, Failure } from './failure.ts';
import { Printer, type Terminal } from './terminal.ts';
import { VERSION } from './version.ts';

const INTERRUPTED_CODE = 130;

/** Runs one command line and returns its exit code. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const print = new Printer(terminal);
  try {
    await buildProgram(terminal, print).parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (terminal.interrupted.aborted) return INTERRUPTED_CODE;
    if (error instanceof Exit) return error.code;
    if (error instanceof CommanderError) return error.exitCode;
    print.note(print.style('red', `moltbot: ${error instanceof Error ? error.message : String(error)}`));
    if (error instanceof Failure && error.nextStep) print.note(`  ${error.nextStep}`);
    return 1;
  }
}

/**
 * The options every command takes are defined here alone, so that they may stand anywhere
 * on the line. A second definition on a group would win over its commands' own: that is how
 * upstream's `gateway call --token` came to be ignored.
 */
function buildProgram(terminal: Terminal, print: Printer): Command {
  const program = new Command('moltbot')
    .description('Talk to a Moltbot gateway, and look after one.')
    .version(VERSION, '-V, --version')
    .option('--url <url>', 'gateway to talk to (MOLTBOT_GATEWAY_URL; default ws://127.0.0.1:18789)')
    .option('--token <token>', 'token to present (MOLTBOT_GATEWAY_TOKEN, or the file the gateway left)')
    .option('--password <password>', 'password, where the gateway is in password mode')
    .addOption(new Option('--timeout <ms>', 'how long to wait for an answer').argParser(milliseconds))
    .option('--json', 'print JSON for programs')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
      getOutHasColors: () => terminal.isInteractive,
      getErrHasColors: () => terminal.isInteractive,
    })
    .exitOverride()
    .showHelpAfterError('(see --help)');
  const make = [
    gatewayCommand,
    healthCommand,
    statusCommand,
    modelsCommand,
    sessionsCommand,
    configCommand,
    logsCommand,
    tokensCommand,
    systemCommand,
    archiveCommand,
    restoreCommand,
    agentCommand,
    securityCommand,
    doctorCommand,
  ];
  for (const command of make) program.addCommand(inherit(program, command(terminal, print)));
  return program;
}

/** Commander copies these settings only to commands it makes itself. */
function inherit(parent: Command, command: Command): Command {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inherit(command, child);
  return command;
}

function milliseconds(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value <= 0)
    throw new InvalidArgumentError('milliseconds, a whole number above 0');
  return value;
}
