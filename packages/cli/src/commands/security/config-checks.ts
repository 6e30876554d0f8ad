import { valueAt } from '../config/path.ts';
import type { Finding } from './finding.ts';

type Check = (config: unknown) => Finding | undefined;

const at = (config: unknown, path: string): unknown => valueAt(config, path.split('.'));

/** Ranges that hold every address there is. */
const EVERYBODY = new Set(['0.0.0.0/0', '::/0', '*']);

/**
 * Each check reads the configuration as a plain tree: it may come from an upstream gateway
 * or from a file that this version's schema would refuse.
 */
const CHECKS: readonly Check[] = [
  (config) =>
    at(config, 'gateway.controlUi.allowInsecureAuth') === true
      ? {
          checkId: 'gateway.control_ui.insecure_auth',
          severity: 'critical',
          title: 'The Control UI may sign in over plain HTTP',
          detail: 'gateway.controlUi.allowInsecureAuth is true: a token typed there can be read on the way.',
          remediation:
            'moltbot config set gateway.controlUi.allowInsecureAuth false, and serve the page over HTTPS',
        }
      : undefined,
  (config) => {
    const bind = at(config, 'gateway.bind') ?? 'auto';
    const isOpen = bind === 'lan' || bind === 'custom' || bind === 'tailnet';
    const proxies = at(config, 'gateway.trustedProxies');
    const hasProxy = Array.isArray(proxies) && proxies.length > 0;
    if (!isOpen || hasProxy || at(config, 'gateway.tls.enabled') === true) return undefined;
    return {
      checkId: 'gateway.bind_no_tls',
      severity: 'warn',
      title: 'The gateway listens beyond this machine without TLS',
      detail: `gateway.bind is ${JSON.stringify(bind)}, gateway.tls is off and no trusted proxy is named: tokens and conversations cross the network in clear.`,
      remediation:
        'put an HTTPS proxy in front and name it in gateway.trustedProxies, or set gateway.tls, or gateway.bind "loopback"',
    };
  },
  (config) => {
    const proxies = at(config, 'gateway.trustedProxies');
    const open = (Array.isArray(proxies) ? proxies : []).find(
      (proxy) => typeof proxy === 'string' && EVERYBODY.has(proxy),
    );
    return open === undefined
      ? undefined
      : {
          checkId: 'gateway.trusted_proxies_everybody',
          severity: 'critical',
          title: 'Every address counts as a trusted proxy',
          detail: `gateway.trustedProxies has ${String(open)}: anybody can claim any address, and lockouts by address mean nothing.`,
          remediation: 'name only the addresses of your own proxies',
        };
  },
  (config) =>
    at(config, 'logging.redactSensitive') === 'off'
      ? {
          checkId: 'logging.redact_off',
          severity: 'warn',
          title: 'Redaction is switched off',
          detail:
            'logging.redactSensitive is "off". This gateway redacts all the same; an upstream one reading the file would not.',
          remediation: 'moltbot config set logging.redactSensitive tools',
        }
      : undefined,
  (config) => {
    const scope = at(config, 'session.dmScope') ?? 'per-channel-peer';
    return scope === 'main'
      ? {
          checkId: 'session.dm_scope_main',
          severity: 'critical',
          title: 'Everybody shares one session',
          detail: 'session.dmScope is "main".',
          remediation: 'moltbot config set session.dmScope per-channel-peer',
        }
      : {
          checkId: 'session.dm_scope',
          severity: 'info',
          title: 'Sessions are kept apart',
          detail: `session.dmScope is ${JSON.stringify(scope)}; a session belongs to the user who signed in, whatever key is named.`,
        };
  },
  (config) =>
    at(config, 'gateway.auth.mode') === 'password'
      ? {
          checkId: 'gateway.password_mode',
          severity: 'warn',
          title: 'The gateway is in password mode',
          detail:
            'A password that people choose and share is weaker than a token, and cannot be taken from one person.',
          remediation:
            'set gateway.auth.mode "token", and give each person a token: moltbot tokens create --user <id>',
        }
      : undefined,
];

export function checkConfig(config: unknown): Finding[] {
  return CHECKS.flatMap((check) => check(config) ?? []);
}
