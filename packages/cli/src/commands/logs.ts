import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { positiveInteger } from '../arguments.ts';
import { connectOptions, type Gateway, withGateway } from '../target/gateway.ts';
import type { Printer, Terminal } from '../terminal.ts';
import { readable } from './log-line.ts';

/** Upstream's default for a page; a busy log is cut at its older end. */
const MAX_BYTES = 250_000;

type Options = Readonly<{
  limit: number;
  follow?: boolean;
  interval: number;
  plain?: boolean;
  json?: boolean;
}>;
type Tail = Readonly<{
  file: string;
  cursor: number;
  size: number;
  lines: readonly string[];
  truncated?: boolean;
  reset?: boolean;
}>;

export function logsCommand(terminal: Terminal, print: Printer): Command {
  return new Command('logs')
    .description("The gateway's log, read through the gateway")
    .option('--limit <n>', 'lines to begin with', positiveInteger, 200)
    .option('--follow', 'go on with what is written from now')
    .option('--interval <ms>', 'how often to look while following', positiveInteger, 1_000)
    .option('--plain', 'no colours')
    .action((_options: unknown, command: Command) => {
      const options = { ...command.opts<Options>(), json: connectOptions(command).json ?? false };
      return withGateway(terminal, command, (gateway) => tail(gateway, terminal, print, options));
    });
}

async function tail(gateway: Gateway, terminal: Terminal, print: Printer, options: Options): Promise<void> {
  let page = await gateway.call<Tail>('logs.tail', { limit: options.limit, maxBytes: MAX_BYTES });
  if (options.json) jsonLine(print, { type: 'meta', file: page.file, cursor: page.cursor, size: page.size });
  else print.line(`Log file: ${page.file}`);
  show(print, page, options);
  while (options.follow && !terminal.interrupted.aborted) {
    // Ctrl-C while waiting is the way out, not a fault.
    await delay(options.interval, undefined, { signal: terminal.interrupted }).catch(() => undefined);
    if (terminal.interrupted.aborted) return;
    page = await gateway.call<Tail>('logs.tail', { cursor: page.cursor, limit: 5_000, maxBytes: MAX_BYTES });
    show(print, page, options);
  }
}

function show(print: Printer, page: Tail, { json, plain }: Options): void {
  const notices = [
    page.reset && 'the log file was replaced',
    page.truncated && 'lines were left out: too many at once',
  ];
  for (const message of notices) {
    if (!message) continue;
    if (json) jsonLine(print, { type: 'notice', message });
    else print.note(message);
  }
  for (const line of page.lines) {
    if (json) jsonLine(print, jsonOf(line));
    else print.line(plain ? readable(line) : readable(line, (style, text) => print.style(style, text)));
  }
}

/** The fields of a JSON line at the top level, and the line itself as it was written. */
function jsonOf(line: string): Record<string, unknown> {
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry === 'object' && entry !== null) return { type: 'log', ...entry, raw: line };
  } catch {
    // A line of another program, or one that was cut.
  }
  return { type: 'raw', raw: line };
}

const jsonLine = (print: Printer, value: unknown): void => print.line(JSON.stringify(value));
