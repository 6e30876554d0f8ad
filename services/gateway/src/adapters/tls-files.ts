import { readFileSync } from 'node:fs';
import type { MoltbotConfig } from '@moltbot/shared/contracts';
import type { TlsFiles } from '@moltbot/shared/runtime';

/** The certificate of `gateway.tls`; undefined while it is off. Throws with the setting that is wrong. */
export function readTlsFiles(config: MoltbotConfig): TlsFiles | undefined {
  const { enabled, certPath, keyPath } = config.gateway.tls;
  if (!enabled) return undefined;
  return { cert: readPem('gateway.tls.certPath', certPath), key: readPem('gateway.tls.keyPath', keyPath) };
}

function readPem(setting: string, path: string | undefined): Buffer {
  if (path === undefined) throw new Error(`${setting} is needed while gateway.tls.enabled is true`);
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new Error(`${setting} cannot be read (${path}): ${(cause as Error).message}`, { cause });
  }
}
