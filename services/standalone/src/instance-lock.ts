import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** One process a state directory: two would write the same append-only file. Throws with the pid of the other. */
export function lockInstance(stateDir: string, pid: number): Disposable {
  const path = join(stateDir, 'standalone.pid');
  mkdirSync(stateDir, { recursive: true });
  for (;;) {
    try {
      writeFileSync(path, `${pid}\n`, { flag: 'wx', mode: 0o600 });
      return { [Symbol.dispose]: () => rmSync(path, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const other = Number(readFileSync(path, 'utf8'));
    if (other !== pid && isOurs(other))
      throw new Error(
        `another gateway instance already uses ${stateDir} (pid ${other}); stop it, or set MOLTBOT_STATE_DIR to another folder`,
      );
    rmSync(path, { force: true }); // left behind by a process that was killed
  }
}

/** @NOTE the pid may belong to another program by now; its command line tells, or the title that replaces it. */
function isOurs(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  const commandLine = `/proc/${pid}/cmdline`;
  return existsSync(commandLine) && /standalone|^moltbot-gateway/.test(readFileSync(commandLine, 'utf8'));
}
