import { until } from '../support/people.ts';
import { atRest, checkLedger } from '../support/ledger-checker.ts';
import type { Seeded } from '../support/seeded.ts';
import type { Diary } from './actors/actor.ts';
import type { Constellation } from './constellation.ts';
import { startDrive } from './drive.ts';
import type { ChaosFault } from './faults.ts';

/** What one fault did to those who wrote meanwhile. */
export type Outcome = Readonly<{
  fault: string;
  turns: number;
  /** Broken promises, in words. */
  faults: readonly string[];
  /** Ends that were typed as broken. */
  interrupted: number;
  silencesMs: readonly number[];
  absencesMs: readonly number[];
}>;

const RESTS_WITHIN_MS = 60_000;

/** Injects a fault under way, waits until people get answers again, and checks all that was said. */
export async function runFault(
  to: Constellation,
  fault: ChaosFault,
  round: number,
  chance: Seeded,
): Promise<Outcome> {
  const name = `${fault.name.replaceAll(/[^a-z]+/gi, '-').toLowerCase()}${round}`;
  const drive = startDrive(to, name, chance, fault.mayBreak === true);
  const calm = to.people.length;
  await until(() => drive.ended() >= calm, 'everybody writes', RESTS_WITHIN_MS);
  await fault.inject(to, chance);
  const before = drive.ended();
  await until(() => drive.ended() >= before + calm, 'people get answers again', RESTS_WITHIN_MS);
  const diaries = await drive.finish();
  return { ...summed(fault.name, diaries), faults: await judge(to, diaries) };
}

async function judge(to: Constellation, diaries: readonly Diary[]): Promise<string[]> {
  const { redis, archiveDir: archiveRoot } = to.cluster;
  const seen = diaries.flatMap(({ faults }) => faults);
  const rests = await until(async () => await atRest(redis), 'everything is archived', RESTS_WITHIN_MS).catch(
    (error: Error) => error.message,
  );
  const sessions = diaries.filter(({ turns }) => turns.length > 0);
  const ledger = await checkLedger({ redis, archiveRoot, sessions });
  return [...seen, ...(rests === true ? [] : [rests]), ...ledger];
}

function summed(fault: string, diaries: readonly Diary[]): Outcome {
  return {
    fault,
    turns: diaries.reduce((sum, { turns }) => sum + turns.length, 0),
    faults: [],
    interrupted: diaries.reduce((sum, diary) => sum + diary.interrupted, 0),
    silencesMs: diaries.flatMap(({ silencesMs }) => silencesMs),
    absencesMs: diaries.flatMap(({ absencesMs }) => absencesMs),
  };
}
