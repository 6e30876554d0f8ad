import { Command } from 'commander';
import { commaList, positiveInteger } from '../arguments.ts';
import { Failure } from '../failure.ts';
import { ago, day } from '../output/format.ts';
import { printTable } from '../output/table.ts';
import { connectOptions, withGateway } from '../target/gateway.ts';
import type { Printer, Terminal } from '../terminal.ts';

type Created = Readonly<{ id: string; token: string; userId?: string; expiresAtMs?: number | null }>;
type Listed = Readonly<{
  id: string;
  userId: string;
  label?: string;
  role?: string;
  scopes?: readonly string[];
  createdAtMs?: number;
  expiresAtMs?: number | null;
  lastUsedAtMs?: number | null;
}>;
type CreateOptions = Readonly<{
  user: string;
  label?: string;
  role?: string;
  scopes?: string[];
  expiresInDays?: number;
}>;

export function tokensCommand(terminal: Terminal, print: Printer): Command {
  const tokens = new Command('tokens').description('Personal tokens: one for each person and device.');
  tokens
    .command('create')
    .description('Make a token; it is shown once')
    .requiredOption('--user <id>', 'whose token it is')
    .option('--label <text>', 'what it is for')
    .option('--role <role>', 'member, operator, auditor or admin')
    .option('--scopes <list>', 'less than the role may do, separated by commas', commaList)
    .option('--expires-in-days <n>', 'days until it ends', positiveInteger)
    .action((options: CreateOptions, command: Command) => create(terminal, print, command, options));
  tokens
    .command('list')
    .description('Tokens there are, without their secrets')
    .option('--user <id>', 'of one user')
    .action((options: { user?: string }, command: Command) => list(terminal, print, command, options.user));
  tokens
    .command('revoke')
    .description('End a token at once, on every replica')
    .argument('<id>', 'its id, as `tokens list` shows it')
    .action((id: string, _options: unknown, command: Command) => revoke(terminal, print, command, id));
  return tokens;
}

/** Only what was given is sent: defaults of role, scopes and lifetime are the server's. */
async function create(
  terminal: Terminal,
  print: Printer,
  command: Command,
  options: CreateOptions,
): Promise<void> {
  const { user, ...rest } = options;
  const { label, role, scopes, expiresInDays } = rest;
  const params = {
    userId: user,
    ...(label !== undefined && { label }),
    ...(role !== undefined && { role }),
    ...(scopes !== undefined && { scopes }),
    ...(expiresInDays !== undefined && { expiresInDays }),
  };
  const created = await withGateway(terminal, command, (gateway) =>
    gateway.call<Created>('tokens.create', params),
  );
  if (connectOptions(command).json) return print.json(created);
  // The token alone on standard output: it can be piped to where it is kept.
  print.line(created.token);
  print.note(
    `Token ${created.id} of ${user}, expires ${day(created.expiresAtMs)}. It is not stored and cannot be shown again.`,
  );
}

async function list(
  terminal: Terminal,
  print: Printer,
  command: Command,
  user: string | undefined,
): Promise<void> {
  const params = user === undefined ? {} : { userId: user };
  const { tokens } = await withGateway(terminal, command, (gateway) =>
    gateway.call<{ tokens: readonly Listed[] }>('tokens.list', params),
  );
  if (connectOptions(command).json) return print.json({ tokens });
  if (tokens.length === 0) return print.line('No tokens. Make one: moltbot tokens create --user <id>');
  printTable(
    print,
    ['Id', 'User', 'Label', 'Role', 'Created', 'Expires', 'Last used'],
    tokens.map((token) => [
      token.id,
      token.userId,
      token.label ?? '',
      token.role ?? '',
      token.createdAtMs ? day(token.createdAtMs) : '',
      day(token.expiresAtMs),
      ago(token.lastUsedAtMs),
    ]),
  );
}

async function revoke(terminal: Terminal, print: Printer, command: Command, id: string): Promise<void> {
  const result = await withGateway(terminal, command, (gateway) =>
    gateway.call<{ ok: boolean; revoked: boolean }>('tokens.revoke', { id }),
  );
  if (!result.revoked) throw new Failure(`no such token: ${id}`, 'see `moltbot tokens list`');
  if (connectOptions(command).json) return print.json(result);
  print.line(`Revoked ${id}. Its open connections are closed.`);
}
