import { Command } from 'commander';
import { positiveInteger } from '../arguments.ts';
import { ago, count } from '../output/format.ts';
import { printTable } from '../output/table.ts';
import { connectOptions, withGateway } from '../target/gateway.ts';
import type { Printer, Terminal } from '../terminal.ts';

type Options = Readonly<{
  active?: number;
  limit?: number;
  search?: string;
  agent?: string;
}>;
type Session = Readonly<{
  key: string;
  kind: string;
  updatedAt: number | null;
  model?: string;
  totalTokens?: number;
  contextTokens?: number;
  thinkingLevel?: string;
  verboseLevel?: string;
  sendPolicy?: string;
  abortedLastRun?: boolean;
  systemSent?: boolean;
}>;
type SessionList = Readonly<{ path: string; count: number; sessions: readonly Session[] }>;

/** `sessions` and `sessions list` are one: the second spelling is the guide's. */
export function sessionsCommand(terminal: Terminal, print: Printer): Command {
  const sessions = withOptions(
    new Command('sessions').description('Sessions, the latest first.'),
    terminal,
    print,
  );
  sessions.addCommand(
    withOptions(new Command('list').description('Sessions, the latest first'), terminal, print),
  );
  return sessions;
}

/**
 * On both commands: commander gives an option in `sessions list --active 5` to the outer
 * one, which is why the values are read from all levels together.
 */
function withOptions(command: Command, terminal: Terminal, print: Printer): Command {
  return command
    .option('--active <minutes>', 'used in the last minutes', positiveInteger)
    .option('--limit <n>', 'at most so many', positiveInteger)
    .option('--search <text>', 'whose key or label has the text')
    .option('--agent <id>', 'of one agent')
    .action((_options: unknown, called: Command) => list(terminal, print, called));
}

async function list(terminal: Terminal, print: Printer, command: Command): Promise<void> {
  const options = command.optsWithGlobals<Options>();
  const params = {
    includeGlobal: true,
    includeUnknown: true,
    ...(options.active !== undefined && { activeMinutes: options.active }),
    ...(options.limit !== undefined && { limit: options.limit }),
    ...(options.search !== undefined && { search: options.search }),
    ...(options.agent !== undefined && { agentId: options.agent }),
  };
  const result = await withGateway(terminal, command, (gateway) =>
    gateway.call<SessionList>('sessions.list', params),
  );
  const { path, sessions } = result;
  if (connectOptions(command).json) {
    return print.json({ path, count: sessions.length, activeMinutes: options.active ?? null, sessions });
  }
  print.line(`Session store: ${path}`);
  print.line(
    `Sessions listed: ${sessions.length}${options.active === undefined ? '' : ` (active in the last ${options.active}m)`}`,
  );
  if (sessions.length === 0) return;
  printTable(
    print,
    ['Kind', 'Key', 'Age', 'Model', 'Tokens', 'Flags'],
    sessions.map((session) => [
      session.kind,
      session.key,
      ago(session.updatedAt),
      session.model ?? '',
      `${count(session.totalTokens)}/${count(session.contextTokens)}`,
      flags(session),
    ]),
  );
}

function flags(session: Session): string {
  return [
    session.thinkingLevel && `think:${session.thinkingLevel}`,
    session.verboseLevel && `verbose:${session.verboseLevel}`,
    session.sendPolicy === 'deny' && 'deny',
    session.systemSent && 'system',
    session.abortedLastRun && 'aborted',
  ]
    .filter(Boolean)
    .join(' ');
}
