import { Failure } from '../../failure.ts';
import { type ConnectOptions, connectGateway } from '../../target/gateway.ts';
import type { Target } from '../../target/target.ts';
import type { Terminal } from '../../terminal.ts';
import type { Finding } from './finding.ts';

const HTTP_TIMEOUT_MS = 5_000;
/** How a gateway says no; anything else (a timeout, a proxy's page) proves nothing. */
const REFUSAL = /unauthorized|device identity required|missing|mismatch|locked|too many/i;

/** Tries the door: what should be refused, must be. One wrong token is tried once. */
export async function checkLive(
  terminal: Terminal,
  options: ConnectOptions,
  target: Target,
): Promise<Finding[]> {
  const { token: _token, password: _password, ...anonymous } = options;
  const attempts = await Promise.all([
    tryWebSocket(
      terminal,
      { ...anonymous, url: target.url, token: `wrong-${crypto.randomUUID()}` },
      'a wrong token',
    ),
    tryHttp(target, '/v1/models'),
    tryHttp(target, '/metrics'),
  ]);
  return attempts.flatMap((finding) => finding ?? []);
}

async function tryWebSocket(
  terminal: Terminal,
  options: ConnectOptions,
  what: string,
): Promise<Finding | undefined> {
  try {
    using gateway = await connectGateway(terminal, options, { mode: 'probe' });
    return {
      checkId: 'gateway.open_door',
      severity: 'critical',
      title: `The gateway takes ${what}`,
      detail: `${gateway.target.url} said hello to it.`,
      remediation: 'set gateway.auth.mode "token" and CLAWDBOT_GATEWAY_TOKEN, and restart the gateway',
    };
  } catch (error) {
    if (error instanceof Failure && REFUSAL.test(error.message)) return undefined;
    return {
      checkId: 'gateway.probe_unclear',
      severity: 'info',
      title: `Could not tell whether ${what} is refused`,
      detail: error instanceof Error ? error.message : String(error),
    };
  }
}

async function tryHttp(target: Target, path: string): Promise<Finding | undefined> {
  const url = new URL(path, target.url.replace(/^ws/, 'http'));
  const status = await fetch(url, { signal: AbortSignal.timeout(HTTP_TIMEOUT_MS), redirect: 'manual' })
    .then(async (response) => (await response.body?.cancel(), response.status))
    .catch(() => undefined);
  const isLoopback = /^(localhost|127\.|\[::1\])/.test(url.hostname);
  // Metrics are open to loopback on purpose: the guide's Prometheus scrapes there.
  if (status !== 200 || (path === '/metrics' && isLoopback)) return undefined;
  return {
    checkId: 'gateway.http_open',
    severity: path === '/metrics' ? 'warn' : 'critical',
    title: `${path} answers without a token`,
    detail: `GET ${url.href} gave 200.`,
    remediation: 'let the proxy refuse this path from outside, and check gateway.auth',
  };
}
