import { access, constants, readFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { findLooseModes, octal, tighten } from '../../files/permissions.ts';
import { configPath, type Env } from '../../target/environment.ts';
import { readHere } from '../config/validate.ts';
import { type Check, fixed, ok, problem, warning } from './check.ts';

const REFERENCE = /(?<!\$)\$\{([A-Z_][A-Z0-9_]*)\}/g;

/** What a gateway that is started here would need. */
export async function checkMachine(env: Env): Promise<Check[]> {
  const redis = await findProgram('redis-server', env);
  return [
    ok(`Node ${process.versions.node}`),
    redis
      ? ok(`redis-server at ${redis}`)
      : warning(
          'no redis-server on this machine',
          'one server needs it: apt-get install redis-server; a cluster brings its own',
        ),
  ];
}

/** The file a gateway started here would read: keys, types and variables. */
export async function checkConfigFile(env: Env): Promise<Check[]> {
  const path = configPath(env);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => error);
  if (text instanceof Error) {
    if (text.code === 'ENOENT') return [ok(`no file at ${path}: every setting has its default`)];
    return [
      problem(
        `${path} cannot be read: ${text.code ?? text.message}`,
        'run this as the user of the service, or as root',
      ),
    ];
  }
  const verdict = await readHere(path);
  return [
    ...(verdict.valid ? [ok(`${path} is valid`)] : []),
    ...verdict.issues.map((issue) =>
      problem(`${path}: ${issue.path || '(file)'}: ${issue.message}`, 'correct or remove this key'),
    ),
    ...verdict.warnings.map((found) => warning(`${path}: ${found.path}: ${found.message}`)),
    ...(await unsetVariables(text, path, env)),
  ];
}

/** The service may have more variables than this shell: its environment file is looked at as well. */
async function unsetVariables(text: string, path: string, env: Env): Promise<Check[]> {
  const file = await readFile(join(dirname(path), 'environment'), 'utf8').catch(() => '');
  const there = new Set(
    [...file.matchAll(/^\s*(?:export\s+)?([A-Z_][A-Z0-9_]*)=./gm)].map(([, name]) => name),
  );
  const wanted = new Set([...text.matchAll(REFERENCE)].flatMap(([, name]) => name ?? []));
  return [...wanted]
    .filter((name) => !env[name] && !there.has(name))
    .map((name) =>
      warning(
        `${path} refers to ${name}, which is not set here`,
        `set ${name} in the environment of the service`,
      ),
    );
}

/** Never widens a mode: `--fix` only takes rights away from group and others. */
export async function checkPermissions(env: Env, { fix }: Readonly<{ fix: boolean }>): Promise<Check[]> {
  const { loose, checked } = await findLooseModes(env);
  if (loose.length === 0)
    return [
      ok(
        checked === 0
          ? 'nothing of a gateway is stored here'
          : `${checked} files and directories are closed to others`,
      ),
    ];
  const checks: Check[] = [];
  for (const item of loose) {
    const said = `${item.path} has mode ${octal(item.mode)}`;
    if (!fix) {
      checks.push(warning(`${said}; ${octal(item.wanted)} is enough`, 'repair with `moltbot doctor --fix`'));
      continue;
    }
    const mode = await tighten(item).catch(() => undefined);
    checks.push(
      mode === undefined
        ? problem(`${said}, and this user may not change it`, 'run this as its owner, or as root')
        : fixed(`${said}: now ${octal(mode)}`),
    );
  }
  return checks;
}

async function findProgram(name: string, env: Env): Promise<string | undefined> {
  for (const directory of [...(env['PATH'] ?? '').split(delimiter), '/usr/sbin'].filter(Boolean)) {
    const path = join(directory, name);
    if (
      await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return undefined;
}
