/**
 * One self-contained ESM file per program, for container images: no node_modules, no pnpm.
 *
 *   node scripts/bundle.ts [name...]      no name: every program that has a main.ts
 */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { build } from 'esbuild';

const OUT = 'dist/bundle';

const PROGRAMS = new Map([
  ['auth', 'services/auth/src/main.ts'],
  ['gateway', 'services/gateway/src/main.ts'],
  ['session-store', 'services/session-store/src/main.ts'],
  ['llm-worker', 'services/llm-worker/src/main.ts'],
  ['standalone', 'services/standalone/src/main.ts'],
  ['moltbot', 'packages/cli/src/main.ts'],
]);

// CommonJS packages inside the bundle still call require() for Node's own modules.
const BANNER = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

async function bundle(name: string, entry: string): Promise<string> {
  const outfile = `${OUT}/${name}.mjs`;
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    conditions: ['moltbot-source'],
    banner: { js: BANNER },
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'linked',
    logLevel: 'warning',
  });
  return `${outfile} ${Math.round(statSync(outfile).size / 1024)} KiB`;
}

const wanted = process.argv.slice(2);
for (const name of wanted) {
  if (!PROGRAMS.has(name)) throw new Error(`no program ${name}: ${[...PROGRAMS.keys()].join(', ')}`);
}
mkdirSync(OUT, { recursive: true });
for (const [name, entry] of PROGRAMS) {
  if (wanted.length > 0 ? !wanted.includes(name) : !existsSync(entry)) continue;
  console.log(await bundle(name, entry));
}
