import type { MoltbotConfig } from '@moltbot/shared/contracts';
import { defaultAgentId } from './agents.ts';
import type { KeyRules } from './session-key.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export function keyRules(config: MoltbotConfig): KeyRules {
  return {
    mainKey: config.session.mainKey,
    scope: config.session.scope,
    defaultAgentId: defaultAgentId(config),
  };
}

/** The gateway's own credentials: the present one and, while clients are moved over, the one before. */
export function gatewayTokens(config: MoltbotConfig, env: Environment): string[] {
  const { mode, token, password, previousToken } = config.gateway.auth;
  const named = (what: string): string | undefined =>
    env[`MOLTBOT_GATEWAY_${what}`] ?? env[`CLAWDBOT_GATEWAY_${what}`] ?? env[`OPENCLAW_GATEWAY_${what}`];
  const present =
    mode === 'password' ? (password ?? named('PASSWORD')) : (token ?? named('TOKEN') ?? password);
  return [present, previousToken ?? named('TOKEN_PREVIOUS')].filter(
    (value): value is string => value !== undefined && value !== '',
  );
}

/** Where to listen. `auto`: everywhere inside Kubernetes, where loopback would hide the port from its probes. */
export function bindHost(config: MoltbotConfig, inKubernetes: boolean): string {
  const { bind, customBindHost } = config.gateway;
  if (bind === 'custom') return customBindHost ?? '127.0.0.1';
  return bind === 'lan' || (bind === 'auto' && inKubernetes) ? '0.0.0.0' : '127.0.0.1';
}

/** The file that receives the log lines beside stdout; undefined when there is none. */
export function logFilePath(config: MoltbotConfig, fallback: string | undefined): string | undefined {
  const { file } = config.logging;
  if (file === undefined) return fallback;
  return file.enabled ? file.path : undefined;
}
