/**
 * The ledger checker: after a test has killed, frozen or cut off whatever it liked and everything has
 * come to rest, it compares what clients were promised with what Redis and the archive hold. Every
 * entry of its answer is a broken promise, in words; an empty answer is the only good one.
 */
import type { NumberedRecord } from '@moltbot/shared/contracts';
import { archiveKeys, queueKeys, SHARDS, userKeys, type Redis } from '@moltbot/shared/redis';
import { findTurn, openTurns, readEntry, readEvents, readRecords, readState } from '@moltbot/turns';
import { readArchive, type ArchivedLine } from './archive-files.ts';

/** One message as its sender remembers it. */
export type SentTurn = Readonly<{
  runId: string;
  text: string;
  /** What the model says to it, to the last character. */
  answer: string;
  /** An end other than this whole answer is no surprise: it was aborted, or its provider fails. */
  mayBreak?: boolean;
  /** Ends that connections of its user were told of, one entry for each time a connection heard it. */
  seenEnds: readonly SeenEnd[];
}>;

export type SeenEnd = Readonly<{
  connection: string;
  state: 'final' | 'aborted' | 'error';
  text: string;
}>;

/** A session's accepted messages in the order they were acknowledged. */
export type SentSession = Readonly<{ userId: string; key: string; turns: readonly SentTurn[] }>;

export type LedgerState = Readonly<{ redis: Redis; archiveRoot: string; sessions: readonly SentSession[] }>;

export async function checkLedger({ redis, archiveRoot, sessions }: LedgerState): Promise<string[]> {
  const found = await Promise.all(
    sessions.map(async (session) => {
      const faults = await checkSession(redis, archiveRoot, session);
      return faults.map((fault) => `${session.userId} ${session.key}: ${fault}`);
    }),
  );
  return [...found.flat(), ...(await checkCounts(redis, sessions))];
}

async function checkSession(redis: Redis, archiveRoot: string, session: SentSession): Promise<string[]> {
  const { userId, key, turns } = session;
  const sid = (await readEntry(redis, userId, key))?.['sid'] ?? '';
  const state = await readState(redis, sid);
  if (!state) return [`its state is gone (${turns.length} turns were accepted)`];
  const records = await readRecords(redis, sid, state.base, 1, state.seq);
  const archived = await readArchive(archiveRoot, userId, sid);
  const log =
    state.base > 0
      ? [...archivedUpTo(archived.lines, state.base), ...records.map(toLine)]
      : records.map(toLine);
  const { events } = await readEvents(redis, { sid, key }, '');
  const ends = events.flatMap(({ e }) => (e.t === 'end' ? [e.run] : []));
  const faults = checkTurns(turns, log, ends);
  for (const turn of turns) {
    const status = (await findTurn(redis, userId, key, turn.runId))?.status;
    if (status === undefined || status === 'waiting' || status === 'running')
      faults.push(`${turn.runId} was accepted and is ${status ?? 'unknown'}`);
  }
  return [...faults, ...checkArchive(archived, log, state.archivedSeq)];
}

const toLine = ({ seq, fence, record }: NumberedRecord): ArchivedLine => {
  const text =
    record.type === 'compaction'
      ? record.summary
      : record.content.map(({ text }) => (typeof text === 'string' ? text : '')).join('');
  const stopReason = record.type === 'assistant' ? record.stopReason : '';
  return { seq, fence, turnId: record.turnId, role: record.type, text, stopReason };
};

/** T-1, T-2: each message once and in order, each answered once, whole or plainly broken. */
function checkTurns(
  turns: readonly SentTurn[],
  log: readonly ArchivedLine[],
  ends: readonly string[],
): string[] {
  const faults: string[] = [];
  const said = log.filter(({ role }) => role !== 'compaction');
  const asked = said.filter(({ role }) => role === 'user').map(({ text }) => text);
  const sent = turns.map(({ text }) => text);
  if (JSON.stringify(asked) !== JSON.stringify(sent))
    faults.push(`the user's messages are not those sent, once and in order: ${difference(sent, asked)}`);
  for (const [at, turn] of turns.entries()) {
    const [question, answer] = [said[2 * at], said[2 * at + 1]];
    const told = ends.filter((run) => run === turn.runId).length;
    if (told !== 1) faults.push(`${turn.runId} has ${told} terminal events`);
    if (question?.turnId !== answer?.turnId || answer?.role !== 'assistant')
      faults.push(`${turn.runId} is not followed by its own answer`);
    else faults.push(...checkAnswer(turn, answer));
  }
  if (said.length !== 2 * turns.length) faults.push(`${said.length} records for ${turns.length} turns`);
  return faults;
}

function checkAnswer(turn: SentTurn, { text, stopReason }: ArchivedLine): string[] {
  const faults: string[] = [];
  const whole = stopReason === 'stop';
  if (whole && text !== turn.answer) faults.push(`${turn.runId} looks whole and says "${text}"`);
  if (!whole && turn.mayBreak !== true) faults.push(`${turn.runId} ended with ${stopReason} after "${text}"`);
  if (!turn.answer.startsWith(text)) faults.push(`${turn.runId} says what the model never said: "${text}"`);
  return [...faults, ...checkSeen(turn, { text, stopReason })];
}

/** An end that a client was told of is the one that stands, and no connection hears it twice. */
function checkSeen(
  { runId, seenEnds }: SentTurn,
  { text, stopReason }: Pick<ArchivedLine, 'text' | 'stopReason'>,
): string[] {
  const stands = { stop: 'final', aborted: 'aborted' }[stopReason] ?? 'error';
  const faults: string[] = [];
  const heard = new Map<string, number>();
  for (const end of seenEnds) {
    heard.set(end.connection, (heard.get(end.connection) ?? 0) + 1);
    if (end.state !== stands) faults.push(`${runId} ended as ${stands} and a client saw ${end.state}`);
    if (end.state === 'final' && end.text !== text)
      faults.push(`${runId}: a client saw the end "${end.text}"`);
  }
  for (const [connection, times] of heard)
    if (times > 1) faults.push(`${runId}: ${connection} heard its end ${times} times`);
  return faults;
}

/** T-9: whatever is in the files is what was committed; at rest, all of it. */
function checkArchive(
  { lines, broken }: Awaited<ReturnType<typeof readArchive>>,
  log: readonly ArchivedLine[],
  archivedSeq: number,
): string[] {
  const faults = broken.map((line) => `its archive has a broken line: ${line}`);
  faults.push(...strayLines(lines, log));
  const kept = new Set(lines.map(({ seq }) => seq));
  const missing = log.filter(({ seq }) => !kept.has(seq)).map(({ seq }) => seq);
  if (missing.length > 0) faults.push(`its archive lacks ${missing.join(', ')}`);
  if (archivedSeq !== log.length) faults.push(`archivedSeq is ${archivedSeq} of ${log.length}`);
  return faults;
}

/** Archived lines that were never committed like that; at any instant there must be none. */
export function strayLines(lines: readonly ArchivedLine[], log: readonly ArchivedLine[]): string[] {
  const committed = new Map(log.map((line) => [line.seq, JSON.stringify(line)]));
  return lines
    .filter((line) => committed.get(line.seq) !== JSON.stringify(line))
    .map((line) => `its archive holds a line that was not committed: ${JSON.stringify(line)}`);
}

function archivedUpTo(lines: readonly ArchivedLine[], base: number): ArchivedLine[] {
  const newest = new Map(lines.map((line) => [line.seq, line]));
  return [...newest.values()].filter(({ seq }) => seq <= base).toSorted((a, b) => a.seq - b.seq);
}

/** At rest every count is zero and no list names a session. */
async function checkCounts(redis: Redis, sessions: readonly SentSession[]): Promise<string[]> {
  const faults: string[] = [];
  const open = await openTurns(redis);
  if (open !== 0) faults.push(`the ledger counts ${open} open turns`);
  const dirty = Array.from({ length: SHARDS }, (_, shard) => archiveKeys.dirty(shard));
  const users = [...new Set(sessions.map(({ userId }) => userId))].flatMap((uid) => [
    userKeys.open(uid),
    userKeys.running(uid),
  ]);
  for (const key of [queueKeys.due, queueKeys.woken, archiveKeys.wanted, ...dirty, ...users]) {
    const left = await redis.zrange(key, 0, -1);
    if (left.length > 0) faults.push(`${key} still names ${left.join(', ')}`);
  }
  return faults;
}

function difference(sent: readonly string[], asked: readonly string[]): string {
  const at = sent.findIndex((text, place) => asked[place] !== text);
  const place = at < 0 ? sent.length : at;
  return `sent ${sent.length}, logged ${asked.length}; at ${place} "${sent[place] ?? ''}" against "${asked[place] ?? ''}"`;
}

/** Everything accepted has ended and everything committed is archived. */
export async function atRest(redis: Redis): Promise<boolean> {
  if ((await openTurns(redis)) !== 0) return false;
  const lists = [queueKeys.due, ...Array.from({ length: SHARDS }, (_, shard) => archiveKeys.dirty(shard))];
  const counts = await Promise.all(lists.map((key) => redis.zcard(key)));
  return counts.every((count) => count === 0);
}
