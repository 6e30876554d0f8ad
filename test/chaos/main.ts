/**
 * The scorecard: starts the constellation, does to it everything in faults.ts while people write, checks what
 * they were shown against Redis and the archive, and prints a line a fault. Ends with 1 when a promise broke.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { seeded } from '../support/seeded.ts';
import { ROOT } from '../support/service-process.ts';
import { startConstellation } from './constellation.ts';
import { FAULTS, type ChaosFault } from './faults.ts';
import { runFault, type Outcome } from './run-fault.ts';
import { broken, scorecard } from './scorecard.ts';

const HELP = `npm run chaos -- [options]

  --users N      people who write at once (50)
  --rounds N     how often each fault is done (1)
  --minutes N    go on with new rounds until so much time has passed (at most 60)
  --only TEXT    only faults whose names contain this; repeatable
  --short        only the faults of the short form
  --seed N       the same choices as an earlier run
  --write        put the table into docs/operate/scorecard.md

Faults, with * those of the short form:
${FAULTS.map(({ name, short }) => `  ${short === true ? '*' : ' '} ${name}`).join('\n')}
`;
const OPTIONS = {
  users: { type: 'string', default: '50' },
  rounds: { type: 'string', default: '1' },
  minutes: { type: 'string', default: '0' },
  only: { type: 'string', multiple: true, default: [] as string[] },
  short: { type: 'boolean', default: false },
  seed: { type: 'string' },
  write: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;
const MOST_MINUTES = 60;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const chosen = FAULTS.filter(
    ({ name, short }) =>
      (!values.short || short === true) &&
      (values.only.length === 0 || values.only.some((text) => name.includes(text))),
  );
  if (chosen.length === 0) throw new Error(`no fault is named like ${values.only.join(', ')}`);
  const chance = seeded(values.seed === undefined ? undefined : whole('seed', values.seed));
  process.stdout.write(`seed ${chance.seed}\n`);
  await using constellation = await startConstellation(whole('users', values.users));
  const endsAtMs = Date.now() + Math.min(MOST_MINUTES, whole('minutes', values.minutes)) * 60_000;
  const outcomes: Outcome[] = [];
  for (let round = 0; round < whole('rounds', values.rounds) || Date.now() < endsAtMs; round += 1)
    for (const fault of chosen) outcomes.push(await one(constellation, fault, round, chance));
  const text = scorecard(outcomes, { users: whole('users', values.users), seed: chance.seed });
  process.stdout.write(`\n${text}\n`);
  if (values.write) await writeFile(join(ROOT, 'docs/operate/scorecard.md'), text);
  const faults = broken(outcomes, !values.short);
  for (const fault of faults) process.stderr.write(`not kept: ${fault}\n`);
  return faults.length === 0 ? 0 : 1;
}

async function one(
  constellation: Awaited<ReturnType<typeof startConstellation>>,
  fault: ChaosFault,
  round: number,
  chance: ReturnType<typeof seeded>,
): Promise<Outcome> {
  const startedAtMs = Date.now();
  const outcome = await runFault(constellation, fault, round, chance);
  const took = ((Date.now() - startedAtMs) / 1_000).toFixed(0);
  process.stdout.write(`${fault.name}: ${outcome.turns} turns, ${outcome.faults.length} faults, ${took} s\n`);
  for (const broken of outcome.faults.slice(0, 20)) process.stdout.write(`  ${broken}\n`);
  return outcome;
}

function whole(name: string, text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new Error(`--${name} takes a whole number, not "${text}"`);
  return Number(text);
}
