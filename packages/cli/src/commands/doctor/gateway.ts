import { Failure } from '../../failure.ts';
import { type ConnectOptions, connectGateway, type Gateway } from '../../target/gateway.ts';
import { resolveTarget } from '../../target/target.ts';
import type { Terminal } from '../../terminal.ts';
import { readConfig } from '../config/change.ts';
import type { Health } from '../health.ts';
import { type Check, ok, problem, warning } from './check.ts';

/** The running gateway, as far as our token may ask. */
export async function checkGateway(terminal: Terminal, options: ConnectOptions): Promise<Check[]> {
  const target = resolveTarget(options, terminal.env);
  const origin = ok(`${target.url} (${target.urlSource}), token from ${target.tokenSource}`);
  try {
    using gateway = await connectGateway(terminal, options);
    const { hello } = gateway.client;
    return [
      origin,
      ok(`answers in ${gateway.connectMs}ms, version ${hello?.server.version}, protocol ${hello?.protocol}`),
      ...(await checkHealth(gateway)),
      ...(await checkItsConfig(gateway)),
    ];
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return [origin, problem(error.message, error.nextStep)];
  }
}

async function checkHealth(gateway: Gateway): Promise<Check[]> {
  const health = await gateway.call<Health>('health');
  return [health.ok ? ok('is healthy') : problem('is not healthy', 'see `moltbot logs`')];
}

async function checkItsConfig(gateway: Gateway): Promise<Check[]> {
  try {
    const { path, valid, issues, warnings = [] } = await readConfig(gateway);
    return [
      ...(valid ? [ok(`its configuration ${path} is valid`)] : []),
      ...issues.map((issue) =>
        problem(`its configuration: ${issue.path}: ${issue.message}`, 'correct or remove this key'),
      ),
      ...warnings.map((found) => warning(`its configuration: ${found.path}: ${found.message}`)),
    ];
  } catch (error) {
    if (error instanceof Failure && error.message.includes('missing scope')) return [];
    throw error;
  }
}
