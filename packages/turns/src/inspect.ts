import {
  queueKeys,
  readLedgerKey,
  runScript,
  sessionKeys,
  userKeys,
  type Redis,
} from '@moltbot/shared/redis';
import { repair1 } from './scripts.gen.ts';

/**
 * `due` a turn waits and nobody will look after it · `lease` held though nothing runs · `running`, `open`
 * counted for the user though it is not so · `lost` turns wait for a session that is gone: nothing can end them.
 */
export type LedgerFault = 'due' | 'lease' | 'running' | 'open' | 'lost';

export type Inspected = Readonly<{
  checked: number;
  found: readonly Readonly<{ sid: string; uid: string; fault: LedgerFault }>[];
  /** For the next page; '0' when this was the last. */
  next: string;
}>;

/** Far beyond what a sweeper needs (it looks every second or so), so that a busy one is no finding. */
const OVERDUE_MS = 30_000;
/** Names SCAN looks at in one step. */
const STEP = 500;
/** A user's caps are smaller; what is beyond is looked at once these are set right. */
const COUNTED_MOST = 200;

/** One step through all of Redis' names. With `fix`, what is found is set right in the same moment. */
export async function inspectLedger(redis: Redis, cursor: string, fix: boolean): Promise<Inspected> {
  const [next, names] = await redis.scan(cursor, 'COUNT', STEP);
  const found = await Promise.all(names.map(async (name) => await sessionsBehind(redis, name)));
  const owners = new Map(found.flat().map((one) => [`${one.uid}/${one.sid}`, one]));
  const faults = await Promise.all(
    [...owners.values()].map(async ({ sid, uid }) => {
      const said = await lookAt(redis, sid, uid, fix);
      return said.map((fault) => ({ sid, uid, fault }));
    }),
  );
  return { checked: owners.size, found: faults.flat(), next };
}

/** Sessions Redis holds a state of, in steps like those above. */
export async function scanSessions(redis: Redis, cursor: string): Promise<{ sids: string[]; next: string }> {
  const [next, names] = await redis.scan(cursor, 'COUNT', STEP);
  const sids = names.flatMap((name) => {
    const key = readLedgerKey(name);
    return key?.kind === 'state' ? [key.sid] : [];
  });
  return { sids, next };
}

type Owned = Readonly<{ sid: string; uid: string }>;

async function sessionsBehind(redis: Redis, name: string): Promise<Owned[]> {
  const key = readLedgerKey(name);
  if (key === undefined) return [];
  if ('uid' in key) {
    const { uid } = key;
    const sids = await redis.zrange(userKeys[key.kind](uid), 0, COUNTED_MOST - 1);
    return sids.map((sid) => ({ sid, uid }));
  }
  const uid = await redis.hget(sessionKeys.state(key.sid), 'uid');
  return uid !== null || key.kind === 'inbox' ? [{ sid: key.sid, uid: uid ?? '' }] : [];
}

async function lookAt(redis: Redis, sid: string, uid: string, fix: boolean): Promise<LedgerFault[]> {
  const keys = [
    sessionKeys.state(sid),
    sessionKeys.inbox(sid),
    queueKeys.due,
    queueKeys.woken,
    userKeys.running(uid),
    userKeys.open(uid),
  ];
  return (await runScript(redis, repair1, keys, [sid, OVERDUE_MS, fix ? '1' : '0'])) as LedgerFault[];
}
