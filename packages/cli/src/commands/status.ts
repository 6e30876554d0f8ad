import { Command } from 'commander';
import { ago, count, duration } from '../output/format.ts';
import { printTable } from '../output/table.ts';
import { connectOptions, type Gateway, withGateway } from '../target/gateway.ts';
import type { Printer, Terminal } from '../terminal.ts';
import type { Health } from './health.ts';

const RECENT_SHOWN = 10;

type Options = Readonly<{ all?: boolean; deep?: boolean }>;
type RecentSession = Readonly<{
  key: string;
  kind?: string;
  age: number;
  totalTokens?: number;
  contextTokens?: number;
  percentUsed?: number;
  model?: string;
}>;
type StatusPayload = Readonly<{
  sessions?: Readonly<{
    count: number;
    defaults?: { model?: string | null; contextTokens?: number | null };
    recent?: readonly RecentSession[];
  }>;
}>;

export function statusCommand(terminal: Terminal, print: Printer): Command {
  return new Command('status')
    .description('One page about the gateway and your sessions')
    .option('--all', 'every session the gateway names, and the models')
    .option('--deep', 'look at health anew, and who is connected')
    .action(async (options: Options, command: Command) => {
      const report = await withGateway(terminal, command, (gateway) => collect(gateway, options));
      if (connectOptions(command).json) print.json(report);
      else show(print, report, options);
    });
}

/** Upstream's payload, with a gateway block of ours beside it. */
async function collect(gateway: Gateway, { all = false, deep = false }: Options) {
  const [status, health, presence, models] = await Promise.all([
    gateway.call<StatusPayload>('status'),
    gateway.call<Health>('health', deep ? { probe: true } : undefined),
    deep || all ? gateway.call<readonly unknown[]>('system-presence', {}) : undefined,
    all ? gateway.call<{ models: readonly unknown[] }>('models.list', {}) : undefined,
  ]);
  return {
    ...status,
    gateway: describeGateway(gateway),
    health,
    ...(presence && { presence }),
    ...(models && { models: models.models }),
  };
}

function describeGateway({ client: { hello }, target, connectMs }: Gateway) {
  const uptimeMs = hello?.snapshot['uptimeMs'];
  return {
    url: target.url,
    reachable: true,
    connectLatencyMs: connectMs,
    version: hello?.server.version ?? null,
    protocol: hello?.protocol ?? null,
    connId: hello?.server.connId ?? null,
    uptimeMs: typeof uptimeMs === 'number' ? uptimeMs : null,
  };
}

type Report = Awaited<ReturnType<typeof collect>>;

function show(print: Printer, report: Report, { all = false }: Options): void {
  const recent = report.sessions?.recent ?? [];
  print.title('Moltbot status');
  for (const [name, value] of [...aboutGateway(print, report), ...aboutSessions(report)]) {
    print.line(`${`${name}:`.padEnd(9)} ${value}`);
  }
  if (recent.length > 0) printRecent(print, all ? recent : recent.slice(0, RECENT_SHOWN));
}

type Fact = readonly [name: string, value: string];

function aboutGateway(print: Printer, { gateway, health, models, presence }: Report): Fact[] {
  return [
    ['Gateway', `${gateway.url} reachable in ${gateway.connectLatencyMs}ms (${about(gateway)})`],
    ['Health', health.ok ? print.style('green', 'OK') : print.style('red', 'NOT OK')],
    ...(models ? [['Models', String(models.length)] as const] : []),
    ...(presence ? [['Presence', String(presence.length)] as const] : []),
  ];
}

function aboutSessions({ sessions }: Report): Fact[] {
  const { model = '-', contextTokens } = sessions?.defaults ?? {};
  return [
    ['Model', `${model} (${count(contextTokens)} context)`],
    ['Sessions', count(sessions?.count ?? 0)],
  ];
}

function about(gateway: ReturnType<typeof describeGateway>): string {
  const uptime = gateway.uptimeMs === null ? [] : [`up ${duration(gateway.uptimeMs)}`];
  return [`version ${gateway.version}`, `protocol ${gateway.protocol}`, ...uptime].join(', ');
}

function printRecent(print: Printer, sessions: readonly RecentSession[]): void {
  print.line();
  printTable(
    print,
    ['Key', 'Kind', 'Age', 'Model', 'Tokens'],
    sessions.map((session) => [
      session.key,
      session.kind ?? '',
      ago(Date.now() - session.age),
      session.model ?? '',
      tokens(session),
    ]),
  );
}

function tokens(session: RecentSession): string {
  const used = `${count(session.totalTokens)}/${count(session.contextTokens)}`;
  return session.percentUsed === undefined ? used : `${used} (${Math.round(session.percentUsed)}%)`;
}
