/**
 * What `npm test`, `npm run check` and the cluster tests run.
 *
 *   node scripts/verify.ts --suite=<name> [-- <vitest arguments>]
 *
 * With vitest arguments (a file, -t "T-2", …) somebody looks for one thing: the gates are left out.
 */
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { GATES, run } from './gates.ts';
import { add, conclude, tallyVitest, writeTally, type Tally } from './tally.ts';

type Suite = Readonly<{ gates: boolean; projects: readonly string[] }>;

const SUITES = new Map<string, Suite>([
  ['check', { gates: true, projects: ['unit', 'architecture'] }],
  ['test', { gates: true, projects: ['unit', 'architecture', 'integration', 'clients', 'browser'] }],
  ['e2e', { gates: false, projects: ['e2e'] }],
]);

async function runGates(): Promise<Tally> {
  const failed: string[] = [];
  for (const gate of GATES) {
    console.log(`\n== ${gate.name}`);
    if ((await run(gate.command)) !== 0) failed.push(gate.name);
  }
  for (const gate of GATES) console.log(`${failed.includes(gate.name) ? '✗' : '✓'} ${gate.name}`);
  return { passed: GATES.length - failed.length, failed: failed.length };
}

async function runVitest(report: string, args: readonly string[]): Promise<Tally> {
  rmSync(report, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const exitCode = await run(['node_modules/.bin/vitest', 'run', ...reporters, ...args]);
  return tallyVitest(report, exitCode);
}

const { values, positionals } = parseArgs({
  options: { suite: { type: 'string', default: 'check' } },
  allowPositionals: true,
});
const suite = SUITES.get(values.suite);
if (suite === undefined) throw new Error(`no suite ${values.suite}: ${[...SUITES.keys()].join(', ')}`);

const searching = positionals.length > 0;
const named = positionals.some((argument) => argument.startsWith('--project'));
const projects = named ? [] : suite.projects.map((project) => `--project=${project}`);

const gates = suite.gates && !searching ? await runGates() : { passed: 0, failed: 0 };
const total = add(gates, await runVitest(`test-results/${values.suite}.json`, [...projects, ...positionals]));
writeTally(`test-results/tally/${values.suite}.json`, total);
process.exitCode = conclude(total);
