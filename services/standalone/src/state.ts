import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where one server keeps everything: `MOLTBOT_STATE_DIR` or upstream's spellings, else `~/.moltbot`. */
export function stateDir(env: NodeJS.ProcessEnv): string {
  const dir =
    env['MOLTBOT_STATE_DIR'] ||
    env['CLAWDBOT_STATE_DIR'] ||
    env['OPENCLAW_STATE_DIR'] ||
    join(homedir(), '.moltbot');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  chmodSync(dir, 0o700);
  return dir;
}

/** A secret that is made once and kept, readable by its owner alone. */
export function keptSecret(dir: string, name: string): string {
  const folder = join(dir, 'credentials');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, name);
  if (!existsSync(path))
    writeFileSync(path, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
  return readFileSync(path, 'utf8').trim();
}
