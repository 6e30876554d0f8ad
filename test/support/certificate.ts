/** A certificate that nobody signed, for a proxy under test. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const NEW_KEY = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1'.split(' ');

export type Certificate = Readonly<{
  chain: string;
  key: string;
  /** Both in one file, as HAProxy wants them. */ both: string;
}>;

/** Paths of the PEM files in the folder, under the names that certbot gives them. */
export async function newCertificate(folder: string, name = 'moltbot.company.com'): Promise<Certificate> {
  const made = {
    chain: join(folder, 'fullchain.pem'),
    key: join(folder, 'privkey.pem'),
    both: join(folder, 'moltbot.pem'),
  };
  await run('openssl', [...NEW_KEY, '-subj', `/CN=${name}`, '-keyout', made.key, '-out', made.chain]);
  const texts = await Promise.all([readFile(made.chain, 'utf8'), readFile(made.key, 'utf8')]);
  await writeFile(made.both, texts.join(''), { mode: 0o600 });
  return made;
}
