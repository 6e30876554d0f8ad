import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

export type Env = Readonly<Record<string, string | undefined>>;

/** In this order: an operator who sets the product's own name means it. */
const PREFIXES = ['MOLTBOT', 'CLAWDBOT', 'OPENCLAW'] as const;
const CONFIG_NAMES = ['moltbot.json', 'clawdbot.json', 'openclaw.json'] as const;
const SYSTEM_CONFIG = '/etc/moltbot/moltbot.json';

/** The same setting under the product's name and both older ones. */
export function setting(env: Env, suffix: string): { name: string; value: string } | undefined {
  for (const prefix of PREFIXES) {
    const name = `${prefix}_${suffix}`;
    const value = env[name]?.trim();
    if (value) return { name, value };
  }
  return undefined;
}

/** Named by the environment, or `.moltbot` here (a checkout after its first start), or in the home directory. */
export function stateDir(env: Env, cwd = process.cwd()): string {
  const named = setting(env, 'STATE_DIR')?.value;
  if (named) return resolve(expandHome(named, env));
  const local = join(cwd, '.moltbot');
  return existsSync(local) ? local : join(homeOf(env), '.moltbot');
}

/** Where the gateway of this machine would look for its configuration. */
export function configPath(env: Env, cwd = process.cwd()): string {
  const named = setting(env, 'CONFIG_PATH')?.value;
  if (named) return resolve(expandHome(named, env));
  const directory = stateDir(env, cwd);
  const own = CONFIG_NAMES.map((name) => join(directory, name));
  const older = [
    join(homeOf(env), '.clawdbot', 'clawdbot.json'),
    join(homeOf(env), '.openclaw', 'openclaw.json'),
  ];
  const candidates = setting(env, 'STATE_DIR') ? own : [SYSTEM_CONFIG, ...own, ...older];
  return candidates.find((path) => existsSync(path)) ?? own[0] ?? SYSTEM_CONFIG;
}

export const credentialsDir = (env: Env): string => join(stateDir(env), 'credentials');
export const tokenFile = (env: Env): string => join(credentialsDir(env), 'gateway-token');

const homeOf = (env: Env): string => env['HOME'] ?? homedir();
const expandHome = (path: string, env: Env): string => path.replace(/^~(?=$|\/)/, homeOf(env));
