/**
 * A copy of the product in which one check is missing, and what our own tests say of it. A promise whose
 * check can be taken out unnoticed is not tested.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { ROOT } from '../../support/service-process.ts';

export type Mutation = Readonly<{
  file: string;
  /** Stands there exactly once. */
  find: string;
  replace: string;
}>;

export type Verdict = Readonly<{ passed: number; failed: readonly string[] }>;

const COPIED = ['packages', 'services', 'test', 'vitest.config.ts', 'package.json', 'tsconfig.base.json'];
/** Of what is built and brought only the links between our own rooms are needed. */
const LEFT_OUT: ReadonlySet<string> = new Set(['dist', 'coverage', '.vite', '.vitest']);

/** Runs tests of a mutated copy; `only`: those whose titles contain it. */
export async function judgeMutant(mutation: Mutation, testFile: string, only: string): Promise<Verdict> {
  const dir = await mkdtemp(join(tmpdir(), 'moltbot-mutant-'));
  try {
    for (const name of COPIED)
      await cp(join(ROOT, name), join(dir, name), {
        recursive: true,
        verbatimSymlinks: true,
        filter: (path) => !LEFT_OUT.has(basename(path)),
      });
    await symlink(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
    await mutate(join(dir, mutation.file), mutation);
    return await runTests(dir, testFile, only);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function mutate(path: string, { file, find, replace }: Mutation): Promise<void> {
  const text = await readFile(path, 'utf8');
  const times = text.split(find).length - 1;
  if (times !== 1) throw new Error(`${file} holds ${times} times what shall be taken out: ${find}`);
  await writeFile(
    path,
    text.replace(find, () => replace),
  );
}

async function runTests(dir: string, testFile: string, only: string): Promise<Verdict> {
  const report = join(dir, 'report.json');
  const vitest = join(dir, 'node_modules', 'vitest', 'vitest.mjs');
  const child = spawn(
    process.execPath,
    [vitest, 'run', '--root', dir, '--reporter=json', `--outputFile=${report}`, testFile, '-t', only],
    { cwd: dir, env: { PATH: process.env['PATH'], HOME: dir }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await once(child, 'close');
  const text = await readFile(report, 'utf8').catch(() => undefined);
  if (text === undefined) throw new Error(`the mutant's tests did not run:\n${said}`);
  const tests = (JSON.parse(text) as Report).testResults.flatMap(({ assertionResults }) => assertionResults);
  const titled = (status: string): string[] =>
    tests.filter((one) => one.status === status).map(({ title }) => title);
  return { passed: titled('passed').length, failed: titled('failed') };
}

type Report = { testResults: { assertionResults: { title: string; status: string }[] }[] };
