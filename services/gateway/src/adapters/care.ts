import {
  LANES,
  type DoctorFinding,
  type DoctorPage,
  type DoctorPageRequest,
  type RestorePageRequest,
  type VerifyPageRequest,
} from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';
import type { Redis } from '@moltbot/shared/redis';
import { inspectLedger, readState, type Inspected, type LedgerFault } from '@moltbot/turns';
import { redisFindings } from '../domain/redis-policy.ts';
import type { InternalClient } from './internal-client.ts';
import type { Waker } from './wake.ts';

/** What an administrator asks of everybody's sessions; page by page, so that every request has a bound. */
export type Care = Readonly<{
  verify(asked: VerifyPageRequest): Promise<unknown>;
  restore(asked: RestorePageRequest): Promise<unknown>;
  check(asked: DoctorPageRequest): Promise<DoctorPage>;
}>;

export type CareDeps = Readonly<{
  redis: Redis;
  /** How many must hold a write. */
  replicas: number;
  archive: InternalClient | undefined;
  waker: Pick<Waker, 'rouse'>;
}>;

/** More than session-store takes for a page. */
const PAGE_WITHIN_MS = 12_000;
const LEDGER_MS = 2_000;
const [LEDGER, ARCHIVE] = ['ledger:', 'archive:'];

export function createCare({ redis, replicas, archive, waker }: CareDeps): Care {
  const ask = async (what: string, asked: object): Promise<unknown> => {
    if (!archive)
      throw new AppError(
        'UNAVAILABLE',
        'no session-store is configured for this gateway (SESSION_STORE_URL)',
      );
    return await archive.post(`/internal/v1/${what}`, asked, PAGE_WITHIN_MS);
  };
  return {
    verify: async (asked) => await ask('verify', asked),
    restore: async (asked) => await ask('restore', asked),
    check: async ({ after = '', fix = false }) => {
      if (after.startsWith(ARCHIVE)) {
        const page = (await ask('doctor', { after: after.slice(ARCHIVE.length), fix })) as DoctorPage;
        return { ...page, ...(page.next !== undefined && { next: `${ARCHIVE}${page.next}` }) };
      }
      const policy = after === '' ? redisFindings(await redis.info(), replicas) : [];
      const cursor = after.startsWith(LEDGER) ? after.slice(LEDGER.length) : '0';
      const page = await checkLedger(redis, cursor, fix);
      if (fix) await rouseMended(redis, waker, page.found);
      const end = archive && `${ARCHIVE}`;
      const next = page.next === '0' ? end : `${LEDGER}${page.next}`;
      return {
        checked: page.checked,
        findings: [...policy, ...findingsOf(page.found, fix)],
        ...(next !== undefined && { next }),
      };
    },
  };
}

async function checkLedger(redis: Redis, cursor: string, fix: boolean): Promise<Inspected> {
  const endsAtMs = performance.now() + LEDGER_MS;
  let all: Inspected = { checked: 0, found: [], next: /^\d+$/.test(cursor) ? cursor : '0' };
  do {
    const step = await inspectLedger(redis, all.next, fix);
    all = {
      checked: all.checked + step.checked,
      found: [...all.found, ...step.found],
      next: step.next,
    };
  } while (all.next !== '0' && performance.now() < endsAtMs);
  return all;
}

/** Its job may have been put off until long after what was wrong. */
async function rouseMended(redis: Redis, waker: CareDeps['waker'], found: Inspected['found']): Promise<void> {
  const mended = found.filter(({ fault }) => fault === 'due' || fault === 'lease');
  for (const { sid } of mended) {
    const state = await readState(redis, sid);
    const lane = LANES.find((known) => known === state?.lane) ?? 'main';
    if (state) await waker.rouse({ sid, uid: state.uid, key: state.key }, lane);
  }
}

const WORDS: Readonly<Record<LedgerFault, readonly [found: string, fixed: string]>> = {
  due: ['sessions whose message nobody looks after', 'sessions whose message nobody looked after, woken'],
  lease: ['sessions held by a worker though nothing of them runs', 'sessions held for nothing, let go'],
  running: [
    'sessions counted as running that are not',
    'sessions counted as running that were not, corrected',
  ],
  open: [
    'sessions whose count of open messages is wrong',
    'sessions whose count of open messages was wrong, corrected',
  ],
  lost: ['sessions that Redis has lost while messages of them wait; these never end', ''],
};

/** Grouped, so that a thousand of one kind are one line. */
function findingsOf(found: Inspected['found'], fix: boolean): DoctorFinding[] {
  const groups = Object.groupBy(found, ({ fault }) => fault);
  return (Object.keys(WORDS) as LedgerFault[]).flatMap((fault) => {
    const group = groups[fault] ?? [];
    const [first] = group;
    if (!first) return [];
    const [text, repaired] = WORDS[fault];
    const done = fix && repaired !== '';
    return [
      {
        level: done ? ('fixed' as const) : ('problem' as const),
        text: done ? repaired : text,
        count: group.length,
        example: `${first.uid}/${first.sid}`,
        ...(!done && { nextStep: nextStepOf(repaired) }),
      },
    ];
  });
}

const nextStepOf = (repaired: string): string =>
  repaired === ''
    ? 'Redis has lost keys: compare its memory policy, and see the backup'
    : 'repair with `moltbot doctor --fix`';
