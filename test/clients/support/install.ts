/** Fetches a client from npm once, and answers from the folder it left from then on. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Recipe } from './recipes.ts';

const CACHE = fileURLToPath(new URL('../../../.toolchain/clients/', import.meta.url));
const STAMP = '.installed';

/** Answers the folder the client is installed in. */
export async function install(recipe: Recipe): Promise<string> {
  const folder = join(CACHE, recipe.folder);
  const wanted = createHash('sha256')
    .update(JSON.stringify([recipe, process.versions.modules]))
    .digest('hex');
  if ((await readFile(join(folder, STAMP), 'utf8').catch(() => '')) === wanted) return folder;

  await mkdir(CACHE, { recursive: true });
  const fresh = await mkdtemp(join(CACHE, 'installing-')); // renamed when whole: half an install is never used
  try {
    await writeFile(
      join(fresh, 'package.json'),
      JSON.stringify({ private: true, dependencies: recipe.dependencies, overrides: recipe.overrides }),
    );
    await npmInstall(fresh, recipe);
    await writeFile(join(fresh, STAMP), wanted);
    await rm(folder, { recursive: true, force: true });
    await rename(fresh, folder);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return folder;
}

/** Its lifecycle scripts stay unrun: they fetch from places that are not the registry. */
async function npmInstall(folder: string, recipe: Recipe): Promise<void> {
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  if (!recipe.optionalPackages) args.push('--omit=optional');
  const { code, output } = await npm(args, folder);
  if (code === 0 && existsSync(join(folder, recipe.provides))) return;
  throw new Error(
    `npm could not provide ${JSON.stringify(recipe.dependencies)} (exit code ${code}); ` +
      `this test needs the real client, so it fails instead of passing without it:\n${output}`,
  );
}

async function npm(args: readonly string[], cwd: string): Promise<{ code: number; output: string }> {
  const child = spawn('npm', args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', (cause) => reject(new Error('npm does not start; is it installed?', { cause })));
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
