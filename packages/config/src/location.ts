import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Environment } from './substitute.ts';

const PREFIXES = ['MOLTBOT', 'CLAWDBOT', 'OPENCLAW'] as const;
const FILE_NAMES = ['moltbot.json', 'clawdbot.json', 'openclaw.json'] as const;
export const SYSTEM_CONFIG_PATH = '/etc/moltbot/moltbot.json';

function fromEnv(env: Environment, suffix: string): string | undefined {
  return PREFIXES.map((prefix) => env[`${prefix}_${suffix}`]?.trim()).find(Boolean);
}

/** A leading `~` means the home directory, as in a shell. */
function absolute(path: string, home: string): string {
  return resolve(path.replace(/^~(?=$|\/)/, home));
}

/**
 * Where `moltbot.json` is: an explicit path; else the first known name in an explicit state directory;
 * else /etc/moltbot; else the user's own directory, the older name when only that exists.
 */
export function resolveConfigPath(env: Environment, exists: (path: string) => boolean = existsSync): string {
  const home = env['HOME'] ?? homedir();
  const path = fromEnv(env, 'CONFIG_PATH');
  if (path) return absolute(path, home);

  const stateDir = fromEnv(env, 'STATE_DIR');
  if (stateDir) {
    const candidates = FILE_NAMES.map((name) => join(absolute(stateDir, home), name));
    return candidates.find(exists) ?? join(absolute(stateDir, home), FILE_NAMES[0]);
  }

  const own = join(home, '.moltbot', 'moltbot.json');
  const older = [join(home, '.clawdbot', 'clawdbot.json'), join(home, '.openclaw', 'openclaw.json')];
  return [SYSTEM_CONFIG_PATH, own, ...older].find(exists) ?? own;
}
