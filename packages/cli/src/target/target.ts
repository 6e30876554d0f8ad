import { readFileSync } from 'node:fs';
import { Failure } from '../failure.ts';
import { type Env, setting, tokenFile } from './environment.ts';
import { type LocalConfig, localNumber, localText, readLocalConfig } from './local-config.ts';

const DEFAULT_PORT = 18_789;

export type TargetOptions = Readonly<{ url?: string; token?: string; password?: string }>;

/** Which gateway, as whom, and where we know that from: the sources are in every error message. */
export type Target = Readonly<{ url: string; urlSource: string; token: string; tokenSource: string }>;

/** The precedence is part of the documentation (docs/use/cli.md); a test walks through it. */
export function resolveTarget(options: TargetOptions, env: Env): Target {
  const config = readLocalConfig(env);
  const [url, urlSource] = findUrl(options, env, config);
  const [token, tokenSource] = findToken(options, env, config);
  return { url: webSocketUrl(url), urlSource, token, tokenSource };
}

type Found = readonly [value: string, source: string];

function findUrl(options: TargetOptions, env: Env, config: LocalConfig | undefined): Found {
  if (options.url) return [options.url, '--url'];
  const named = setting(env, 'GATEWAY_URL');
  if (named) return [named.value, named.name];
  const remote = localText(config, 'gateway.remote.url', env);
  if (config && remote && isRemote(config, env)) return [remote, `gateway.remote.url in ${config.path}`];
  const port = setting(env, 'GATEWAY_PORT');
  if (port) return [`ws://127.0.0.1:${port.value}`, port.name];
  const configured = localNumber(config, 'gateway.port');
  if (config && configured) return [`ws://127.0.0.1:${configured}`, `gateway.port in ${config.path}`];
  return [`ws://127.0.0.1:${DEFAULT_PORT}`, 'default'];
}

function findToken(options: TargetOptions, env: Env, config: LocalConfig | undefined): Found {
  if (options.token) return [options.token, '--token'];
  if (options.password) return [options.password, '--password'];
  const named = setting(env, 'GATEWAY_TOKEN') ?? setting(env, 'GATEWAY_PASSWORD');
  if (named) return [named.value, named.name];
  const keys =
    config && isRemote(config, env)
      ? ['gateway.remote.token', 'gateway.remote.password']
      : ['gateway.auth.token', 'gateway.auth.password'];
  for (const key of keys) {
    const value = localText(config, key, env);
    if (config && value) return [value, `${key} in ${config.path}`];
  }
  const file = tokenFile(env);
  try {
    return [readFileSync(file, 'utf8').trim(), file];
  } catch {
    return ['', 'nowhere (no --token, MOLTBOT_GATEWAY_TOKEN or token file)'];
  }
}

const isRemote = (config: LocalConfig, env: Env): boolean =>
  localText(config, 'gateway.mode', env) === 'remote';

/** People copy the address of the page; the same address speaks WebSocket. */
function webSocketUrl(text: string): string {
  const url = URL.parse(text.includes('://') ? text : `ws://${text}`);
  if (!url || !/^(ws|http)s?:$/.test(url.protocol)) {
    throw new Failure(
      `not a gateway address: ${text}`,
      'use ws://host:port, wss://host, or the https:// address of the page',
    );
  }
  url.protocol = url.protocol.replace('http', 'ws');
  return url.href.replace(/\/$/, '');
}
