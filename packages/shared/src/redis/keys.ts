/**
 * Every Redis key is born here, under the name of the room that writes it.
 * Redis Cluster is refused, so one script may touch keys of a session and of its user.
 */

/** Owner: packages/turns. Readers may XRANGE events and LRANGE log, never write. */
export const sessionKeys = {
  /** list of turn ids in the order they were accepted */
  inbox: (sid: string) => `s:${sid}:inbox`,
  /** hash: `<tid>` content, `<tid>:rec` the user's record, `<tid>:id` how events name the turn */
  turns: (sid: string) => `s:${sid}:turns`,
  /** hash: uid key lane fence cur owner lease attempts recorded ended seq base ctx archivedSeq n k last begunAt refenced cold deleted replaced hidden generation restored abort:<tid> */
  state: (sid: string) => `s:${sid}:state`,
  /** list of `<fence> <record JSON>`; the item at index i has seq base + i + 1 */
  log: (sid: string) => `s:${sid}:log`,
  /** stream of run events, ids `<fence>-<n>` */
  events: (sid: string) => `s:${sid}:events`,
} as const;

/** Owner: packages/turns, except where a key says otherwise. */
export const userKeys = {
  /** zset: canonical session key -> last update, ms */
  keys: (uid: string) => `u:${uid}:keys`,
  /** hash: what a session key points at and the settings that outlive a reset */
  entry: (uid: string, key: string) => `u:${uid}:entry:${key}`,
  /** hash {sid, tid, status, startedAt, endedAt, error}, 24 h; both parts may hold `:`, so the length says where one ends */
  idem: (uid: string, key: string, idempotencyKey: string) =>
    `u:${uid}:idem:${key.length}:${key}:${idempotencyKey}`,
  /** string: where agent.wait finds a run by its id alone, 24 h */
  run: (uid: string, runId: string) => `u:${uid}:run:${runId}`,
  /** zset: sid -> turns accepted and not ended */
  open: (uid: string) => `u:${uid}:open`,
  /** zset: sid -> lease end, ms; entries past their lease do not count */
  running: (uid: string) => `u:${uid}:running`,
  /** hash `<model>|<what>` -> count; `day` as YYYY-MM-DD in UTC */
  usage: (uid: string, day: string) => `u:${uid}:usage:${day}`,
  /** string: what a response object repeats of its request, and which run it is, 24 h; services/gateway writes it */
  response: (uid: string, responseId: string) => `u:${uid}:response:${responseId}`,
  /** pub/sub channel: the doorbell of all of a user's sessions */
  bell: (uid: string) => `u:${uid}:bell`,
} as const;

/** What SCAN has found, as far as an inspection of the ledger wants to know it. A user's id holds no `:`. */
export type LedgerKey = Readonly<
  { kind: 'state' | 'inbox'; sid: string } | { kind: 'open' | 'running'; uid: string }
>;

export function readLedgerKey(key: string): LedgerKey | undefined {
  const [, sid, ofSession] = /^s:([^:]+):(state|inbox)$/.exec(key) ?? [];
  if (sid !== undefined) return { kind: ofSession as 'state' | 'inbox', sid };
  const [, uid, ofUser] = /^u:([^:]+):(open|running)$/.exec(key) ?? [];
  return uid === undefined ? undefined : { kind: ofUser as 'open' | 'running', uid };
}

/** Owner: packages/turns. */
export const queueKeys = {
  /** zset: sid -> when somebody must have looked after it, ms */
  due: 'q:due',
  /** zset: sid -> when the sweeper woke it and nobody has begun since, ms */
  woken: 'q:woken',
  /** hash {accepted, ended}: their difference is the number of open turns */
  ledger: 'q:ledger',
  /** pub/sub channel of {sid, tid}: a running turn shall stop */
  control: 'q:control',
} as const;

export const SHARDS = 16;
/** Session ids are random UUIDs, so their last hex digit spreads them evenly. */
export const shardOf = (sid: string): number => Number.parseInt(sid.slice(-1), 16);

/** Owner: packages/turns writes the lists, session-store the leases. */
export const archiveKeys = {
  /** zset: sid -> since when it has records that are not archived, ms */
  dirty: (shard: number) => `a:${shard}:dirty`,
  /** hash {owner, fence, until} of the one archiver of a shard */
  lease: (shard: number) => `a:${shard}:lease`,
  /** zset: archiver -> until when it counts as alive, ms; the shards are shared out among them */
  owners: 'a:owners',
  /** zset: sid -> last activity, ms; sessions whose log is in Redis */
  live: 'a:live',
  /** zset: sid -> since when somebody waits for it to come back from the archive, ms */
  wanted: 'a:wanted',
  /** pub/sub channel: something in one of the lists above */
  bell: 'a:bell',
} as const;

/** Owner: packages/turns (budget scripts). */
export const budgetKeys = {
  /** hash {spent, limit} in millionths of a US dollar, and `told <what>`; `day` in UTC */
  day: (scope: string, day: string) => `b:${scope}:${day}`,
  /** hash holdId -> `<microUsd> <expires at ms>`, for a while `0 <expires at ms> settled` */
  holds: (scope: string) => `b:${scope}:holds`,
} as const;

/** Owner: services/auth; gateways read. */
export const authKeys = {
  token: (id: string) => `auth:token:${id}`,
  /** zset: token id -> created at, ms */
  tokens: 'auth:tokens',
  /** hash: token id -> last used at, ms */
  used: 'auth:used',
  /** pub/sub channel of token ids that are no longer valid */
  revoked: 'auth:revoked',
} as const;

/** Owner: this room (durability.ts). */
export const durabilityKeys = {
  /** string: written again and again, so that WAIT has something to wait for */
  mark: 'd:mark',
} as const;

/** Owner: services/gateway. */
export const configKeys = {
  /** hash {gen, hash, tree, raw, file:<path>}: the unsubstituted configuration, its text, old hashes of each file */
  tree: 'cfg:tree',
  /** string: hash of a gateway's own file when it last looked, 30 days */
  file: (host: string, path: string) => `cfg:file:${host}:${path}`,
  /** pub/sub channel: the generation that is current now */
  bell: 'cfg:bell',
} as const;
