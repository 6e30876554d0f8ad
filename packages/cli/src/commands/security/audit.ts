import type { Command } from 'commander';
import { Exit, Failure } from '../../failure.ts';
import { findLooseModes, tighten } from '../../files/permissions.ts';
import { connectGateway, connectOptions, type Gateway } from '../../target/gateway.ts';
import { readLocalConfig } from '../../target/local-config.ts';
import { resolveTarget } from '../../target/target.ts';
import type { Printer, Terminal } from '../../terminal.ts';
import { readConfig } from '../config/change.ts';
import { checkConfig } from './config-checks.ts';
import { checkLive } from './deep.ts';
import { bySeverity, type Finding, SEVERITIES, type Severity, summarize } from './finding.ts';
import { checkLocally } from './local-checks.ts';
import { checkTokens, type KnownToken } from './token-checks.ts';

export type AuditOptions = Readonly<{ deep?: boolean; fix?: boolean; failOn?: Severity }>;

const COLOURS = { critical: 'red', warn: 'yellow', info: 'gray' } as const;

/** Ends with 0 whatever it finds, as upstream does, unless `--fail-on` says where to draw the line. */
export async function audit(
  terminal: Terminal,
  print: Printer,
  command: Command,
  options: AuditOptions,
): Promise<void> {
  const { deep = false, fix = false, failOn } = options;
  const connect = connectOptions(command);
  const target = resolveTarget(connect, terminal.env);
  if (fix) for (const loose of (await findLooseModes(terminal.env)).loose) await tighten(loose);
  const remote = await checkOverRpc(terminal, command);
  const live = deep && remote.ok ? await checkLive(terminal, connect, target) : [];
  const findings = bySeverity([...remote.findings, ...live, ...(await checkLocally(target, terminal.env))]);
  const summary = summarize(findings);
  if (connect.json) {
    const reached = {
      attempted: true,
      url: target.url,
      ok: remote.ok,
      ...(remote.error !== undefined && { error: remote.error }),
    };
    print.json({ ts: Date.now(), summary, findings, ...(deep && { deep: { gateway: reached } }) });
  } else report(print, findings);
  if (failOn && findings.some(({ severity }) => SEVERITIES.indexOf(severity) <= SEVERITIES.indexOf(failOn)))
    throw new Exit(1);
}

type Remote = Readonly<{ ok: boolean; error?: string; findings: readonly Finding[] }>;

async function checkOverRpc(terminal: Terminal, command: Command): Promise<Remote> {
  try {
    using gateway = await connectGateway(terminal, connectOptions(command));
    return { ok: true, findings: [...(await remoteConfig(gateway)), ...(await remoteTokens(gateway))] };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // Without the gateway, the file of this machine is the best there is.
    const local = readLocalConfig(terminal.env);
    return {
      ok: false,
      error: error.message,
      findings: [unreachable(error), ...(local ? checkConfig(local.tree) : [])],
    };
  }
}

async function remoteConfig(gateway: Gateway): Promise<Finding[]> {
  const { config, warnings = [] } = await readConfig(gateway);
  const short = warnings.filter(({ path }) => path.startsWith('gateway.auth.'));
  return [
    ...checkConfig(config),
    ...short.map(({ path, message }): Finding => ({
      checkId: 'gateway.token_too_short',
      severity: 'warn',
      title: 'The gateway token is short',
      detail: `${path}: ${message}.`,
      remediation: 'make one with `openssl rand -hex 32` and set CLAWDBOT_GATEWAY_TOKEN',
    })),
  ];
}

/** An upstream gateway has no personal tokens; a token without the scope cannot list them. */
async function remoteTokens(gateway: Gateway): Promise<Finding[]> {
  try {
    const { tokens } = await gateway.call<{ tokens: readonly KnownToken[] }>('tokens.list', {});
    return checkTokens(tokens);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return [
      { checkId: 'tokens.unread', severity: 'info', title: 'Personal tokens were not checked', detail },
    ];
  }
}

function unreachable(error: Failure): Finding {
  return {
    checkId: 'gateway.probe_failed',
    severity: 'warn',
    title: 'The gateway could not be asked',
    detail: error.message,
    ...(error.nextStep !== undefined && { remediation: error.nextStep }),
  };
}

function report(print: Printer, findings: readonly Finding[]): void {
  const { critical, warn, info } = summarize(findings);
  print.title('Moltbot security audit');
  print.line(`Summary: ${critical} critical · ${warn} warn · ${info} info`);
  for (const severity of SEVERITIES) {
    const group = findings.filter((finding) => finding.severity === severity);
    if (group.length === 0) continue;
    print.line();
    print.line(print.style(COLOURS[severity], severity.toUpperCase()));
    for (const { checkId, title, detail, remediation } of group) {
      print.line(`${checkId} ${title}`);
      print.line(`  ${detail}`);
      if (remediation !== undefined) print.line(`  Fix: ${remediation}`);
    }
  }
}
