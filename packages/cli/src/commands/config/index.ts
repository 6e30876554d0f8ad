import { Command } from 'commander';
import { looseValue } from '../../arguments.ts';
import { Failure } from '../../failure.ts';
import { configPath } from '../../target/environment.ts';
import { connectOptions, withGateway } from '../../target/gateway.ts';
import type { Printer, Terminal } from '../../terminal.ts';
import { changeConfig, readConfig } from './change.ts';
import { parsePath, valueAt } from './path.ts';
import { validateCommand } from './validate.ts';

/**
 * Everything goes through the gateway: the file may be on another machine, or a ConfigMap,
 * and only the gateway can merge into it without losing references and hidden secrets.
 */
export function configCommand(terminal: Terminal, print: Printer): Command {
  const config = new Command('config').description('Read and change moltbot.json through the gateway.');
  config
    .command('get')
    .description('Print the value in force; secrets stay hidden')
    .argument('<path>', 'for example agents.defaults.maxConcurrent')
    .action((path: string, _options: unknown, command: Command) => get(terminal, print, command, path));
  config
    .command('set')
    .description('Set a value; says whether it waits for a restart')
    .argument('<path>')
    .argument('<value>', 'JSON5, or plain text')
    .action((path: string, value: string, _options: unknown, command: Command) =>
      change(terminal, print, command, { path, value: looseValue(value) }),
    );
  config
    .command('unset')
    .description('Remove a value, so that its default counts')
    .argument('<path>')
    .action((path: string, _options: unknown, command: Command) =>
      change(terminal, print, command, { path, value: undefined }),
    );
  config
    .command('file')
    .description('Where the configuration is')
    .action((_options: unknown, command: Command) => file(terminal, print, command));
  config.addCommand(validateCommand(terminal, print));
  return config;
}

async function get(terminal: Terminal, print: Printer, command: Command, path: string): Promise<void> {
  const wanted = parsePath(path);
  const value = await withGateway(terminal, command, async (gateway) =>
    valueAt((await readConfig(gateway)).config, wanted),
  );
  if (value === undefined) throw new Failure(`Config path not found: ${path}`);
  if (typeof value === 'string' && !connectOptions(command).json) print.line(value);
  else print.json(value);
}

type Change = Readonly<{ path: string; value: unknown }>;

async function change(
  terminal: Terminal,
  print: Printer,
  command: Command,
  { path, value }: Change,
): Promise<void> {
  const result = await withGateway(terminal, command, (gateway) => changeConfig(gateway, path, value));
  if (connectOptions(command).json) return print.json({ ok: true, path: result.path, changed: path });
  const done = value === undefined ? `Removed ${path}.` : `Updated ${path}.`;
  const waits = (result.needsRestart ?? []).length > 0;
  print.line(`${done} ${waits ? 'Restart the gateway to apply it.' : 'Applied without a restart.'}`);
}

/** The gateway's own answer, or, when it cannot be asked, where one started here would look. */
async function file(terminal: Terminal, print: Printer, command: Command): Promise<void> {
  const found = await withGateway(terminal, command, readConfig).catch((error: unknown) => {
    if (!(error instanceof Failure)) throw error;
    print.note(`${error.message}; this is where a gateway started here would look:`);
    return { path: configPath(terminal.env) };
  });
  if (connectOptions(command).json) print.json({ path: found.path });
  else print.line(found.path);
}
