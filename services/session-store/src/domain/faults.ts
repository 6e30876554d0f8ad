import type { ArchiveFault } from '@moltbot/shared/contracts';
import { gapsIn, type Place } from './merge.ts';
import type { SessionHead } from './transcript.ts';

type Fault = Pick<ArchiveFault, 'kind' | 'where'>;

/** What the files hold of a session. */
export type OnDisk = Readonly<{
  head: SessionHead | undefined;
  lines: readonly Place[];
  damaged: readonly Readonly<{ file: string; line: number }>[];
}>;

/** What Redis says of it: up to where it is archived, and the log's items from `fromSeq` on. */
export type InRedis = Readonly<{ archivedSeq: number; fromSeq: number; items: readonly string[] }>;

/** Named in one fault; a file that lost a whole block says the same of every line. */
const NAMED_MOST = 5;

/** What is wrong with the files alone. `lastSeq`: where the session ends, as far as anybody knows. */
export function faultsOnDisk(
  { head, lines, damaged }: OnDisk,
  uid: string,
  sid: string,
  lastSeq: number,
): Fault[] {
  const faults: Fault[] = [];
  if (head && (head.uid !== uid || head.sid !== sid))
    faults.push({ kind: 'foreign', where: `says it is ${head.uid}/${head.sid}` });
  if (!head && lines.length > 0) faults.push({ kind: 'damaged', where: 'no segment says whose it is' });
  if (damaged.length > 0)
    faults.push({ kind: 'damaged', where: named(damaged.map(({ file, line }) => `${file}:${line}`)) });
  const gaps = gapsIn(lines, 1, lastSeq).map(({ fromSeq, toSeq }) => `${fromSeq}-${toSeq}`);
  if (gaps.length > 0) faults.push({ kind: 'missing', where: `seq ${named(gaps)}` });
  return faults;
}

/** What the two say differently; `itemOf` writes a line as the log holds it. */
export function faultsAgainstLog<L extends Place>(
  lines: readonly L[],
  { archivedSeq, fromSeq, items }: InRedis,
  itemOf: (line: L) => string,
): Fault[] {
  const newest = lines.at(-1)?.seq ?? 0;
  const behind: Fault[] =
    newest < archivedSeq
      ? [{ kind: 'behind', where: `the files end at seq ${newest}, Redis says ${archivedSeq}` }]
      : [];
  const compared = lines.filter(({ seq }) => seq >= fromSeq && seq <= archivedSeq);
  const different = compared.filter((line) => {
    const item = items[line.seq - fromSeq];
    return item !== undefined && item !== itemOf(line);
  });
  if (different.length === 0) return behind;
  return [...behind, { kind: 'differs', where: `seq ${named(different.map(({ seq }) => String(seq)))}` }];
}

function named(all: readonly string[]): string {
  const more = all.length - NAMED_MOST;
  return all.slice(0, NAMED_MOST).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
