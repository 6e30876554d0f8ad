/** What the command, the gateway and session-store ask each other about the archive, page by page. */
import { z } from 'zod';
import { UserId } from './ids.ts';

/** Where the next page begins, as the answer before it said; a user, a session and a word at most. */
const Cursor = z.string().max(512);

export const VerifyPageRequest = z.strictObject({ after: Cursor.optional(), uid: UserId.optional() });
export type VerifyPageRequest = z.infer<typeof VerifyPageRequest>;

/** `merge`: into a Redis that has taken turns already; what it holds stays as it is. */
export const RestorePageRequest = z.strictObject({
  after: Cursor.optional(),
  merge: z.boolean().optional(),
});
export type RestorePageRequest = z.infer<typeof RestorePageRequest>;

export const DoctorPageRequest = z.strictObject({ after: Cursor.optional(), fix: z.boolean().optional() });
export type DoctorPageRequest = z.infer<typeof DoctorPageRequest>;

/** `damaged` a line is not what was written · `missing` records the session had · `behind` Redis believes
 * more to be archived than is · `differs` Redis and the archive say different things of one record ·
 * `foreign` it lies under another name than its own · `unreadable` the file system refuses. */
export type ArchiveFault = Readonly<{
  uid: string;
  sid: string;
  kind: 'damaged' | 'missing' | 'behind' | 'differs' | 'foreign' | 'unreadable';
  where: string;
}>;

/** Without `next` there is no more. */
export type VerifyPage = Readonly<{
  sessions: number;
  records: number;
  /** Last lines that a crash cut off: harmless, counted apart. */
  torn: number;
  faults: readonly ArchiveFault[];
  next?: string;
}>;

/** `kept` Redis has it or its key already · `older` another generation of its key is newer ·
 * `empty` nothing in it was ever whole, or its time is over. */
export type RestorePage = Readonly<{
  restored: number;
  kept: number;
  older: number;
  empty: number;
  records: number;
  /** Restored or not, with what is wrong; `missing` records stay missing. */
  faults: readonly ArchiveFault[];
  next?: string;
}>;

/** Of one kind on one page; the command adds up those with the same text. */
export type DoctorFinding = Readonly<{
  level: 'ok' | 'warning' | 'problem' | 'fixed';
  text: string;
  count: number;
  /** One of them, by its ids. */
  example?: string;
  nextStep?: string;
}>;
export type DoctorPage = Readonly<{ checked: number; findings: readonly DoctorFinding[]; next?: string }>;
