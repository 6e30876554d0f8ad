import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runBench } from './bench.ts';
import { readOptions, USAGE, type BenchOptions } from './options.ts';
import type { Report } from './report/figures.ts';
import { summariseProfile } from './report/profile.ts';
import { renderReport } from './report/table.ts';

const OUT = fileURLToPath(new URL('../out/', import.meta.url));
/** npm starts scripts in the workspace; a relative file is meant where the command was typed. */
const CALLED_FROM = process.env['INIT_CWD'] ?? process.cwd();

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort(signal));

async function main(options: BenchOptions): Promise<void> {
  await mkdir(OUT, { recursive: true });
  const report = await runBench(options, {
    say: (line) => process.stderr.write(`bench: ${line}\n`),
    profileDirectory: OUT,
    stop: stop.signal,
  });
  console.log(renderReport(report));
  if (options.jsonFile !== undefined) await writeJson(resolve(CALLED_FROM, options.jsonFile), report);
  if (options.profile) console.log(`\n${await summariseProfile(join(OUT, 'moltbot.cpuprofile'))}`);
  if (report.figures.some(({ faulty }) => faulty > 0)) process.exitCode = 1;
}

async function writeJson(file: string, report: Report): Promise<void> {
  await writeFile(file, `${JSON.stringify(report, undefined, 2)}\n`);
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') console.log(USAGE);
  else await main(options);
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
