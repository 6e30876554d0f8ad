import { UserId } from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';
import { namesIn, type ArchiveReader } from './archive-reader.ts';
import { isSessionId, userDir } from './paths.ts';

export type Place = Readonly<{ uid: string; sid: string }>;

/** One answer's worth: so many sessions, or as many as can be read in the time. */
const PAGE_SESSIONS = 50;
const PAGE_MS = 2_000;

export const placeName = ({ uid, sid }: Place): string => `${uid}/${sid}`;

export type Walk = Readonly<{
  root: string;
  reader: ArchiveReader;
  /** The last place of the page before, '' for the first. */
  after: string;
  /** Of one user alone. */
  uid?: string | undefined;
  /** Which directories of a user's count. */
  counts?: (name: string) => boolean;
}>;

/** Visits sessions in the order of their names until the page is full; resolves to where the next one begins. */
export async function walkPage(
  walk: Walk,
  visit: (place: Place) => Promise<void>,
): Promise<string | undefined> {
  const places = await walk.reader.ask(async () => await placesAfter(walk));
  const endsAtMs = performance.now() + PAGE_MS;
  let last: string | undefined;
  for (const place of places) {
    if (last !== undefined && performance.now() > endsAtMs) return last;
    try {
      await visit(place);
    } catch (error) {
      // what was read counts; the slow one is the first of the next page
      if (last !== undefined && error instanceof AppError && error.code === 'UNAVAILABLE') return last;
      throw error;
    }
    last = placeName(place);
  }
  return places.length < PAGE_SESSIONS ? undefined : last;
}

async function placesAfter({ root, after, uid, counts = isSessionId }: Walk): Promise<Place[]> {
  const [afterUid = '', afterSid = ''] = after.split('/');
  const users = uid === undefined ? (await namesIn(root)).filter(isUserId).toSorted() : [uid];
  const places: Place[] = [];
  for (const user of users) {
    if (user < afterUid) continue;
    const sids = (await namesIn(userDir(root, user))).filter(counts).toSorted();
    for (const sid of sids) if (user !== afterUid || sid > afterSid) places.push({ uid: user, sid });
    if (places.length >= PAGE_SESSIONS) break;
  }
  return places.slice(0, PAGE_SESSIONS);
}

const isUserId = (name: string): boolean => UserId.safeParse(name).success;
