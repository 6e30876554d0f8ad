import type { ContentBlock, Lane, NumberedRecord, SessionRecord } from '@moltbot/shared/contracts';
import type { AnsweredTurn, RestoredSession } from '@moltbot/turns';
import type { Place } from './merge.ts';
import type { SessionHead } from './transcript.ts';

type Assistant = Extract<SessionRecord, { type: 'assistant' }>;

/** A session's merged lines and how to read one; a long session is not parsed whole. */
export type Lines<L extends Place & { line: Buffer }> = Readonly<{
  lines: readonly L[];
  recordOf: (line: L) => NumberedRecord;
}>;

const DAY_MS = 24 * 60 * 60 * 1_000;
/** Answers looked at from the end; nobody sends more messages of one session in a day. */
const ANSWERS_MOST = 2_000;
const TITLE_CHARS = 60;
const PREVIEW_CHARS = 140;

/** What Redis held of a session, as far as its records tell; undefined when it has none. */
export function toRestored<L extends Place & { line: Buffer }>(
  head: SessionHead,
  { lines, recordOf }: Lines<L>,
  nowMs: number,
): RestoredSession | undefined {
  const [first, last] = [lines[0], lines.at(-1)];
  if (!first || !last) return undefined;
  const newest = recordOf(last).record;
  return {
    ref: { sid: head.sid, uid: head.uid, key: head.key },
    lane: head.lane ?? laneOf(head.key),
    hidden: head.hidden ?? false,
    lastSeq: last.seq,
    contextFromSeq: contextFromSeq(lines, recordOf),
    firstFence: first.fence,
    highestFence: last.fence,
    updatedAtMs: newest.timestamp,
    entry: entryOf(lines, recordOf),
    answered: answeredSince(lines, recordOf, nowMs - DAY_MS),
  };
}

/** As the gateway gives lanes to keys; segments of today say it themselves. */
const laneOf = (key: string): Lane => (/^agent:[^:]*:subagent:/.test(key) ? 'subagent' : 'main');

const COMPACTION = '{"type":"compaction"';

function contextFromSeq<L extends Place & { line: Buffer }>(
  lines: Lines<L>['lines'],
  recordOf: Lines<L>['recordOf'],
): number {
  const last = lines.findLast(({ line }) => line.toString('latin1', 0, COMPACTION.length) === COMPACTION);
  const record = last && recordOf(last).record;
  return record?.type === 'compaction' ? record.upToSeq + 1 : 1;
}

function entryOf<L extends Place & { line: Buffer }>(
  lines: Lines<L>['lines'],
  recordOf: Lines<L>['recordOf'],
): Record<string, string> {
  const first = lines[0] && recordOf(lines[0]).record;
  const answer = findAnswer(lines, recordOf, () => true);
  const byModel = findAnswer(lines, recordOf, ({ provider }) => provider !== 'moltbot');
  return {
    ...(first && { createdAt: String(first.timestamp) }),
    ...(first?.type === 'user' && { title: shortened(textOf(first.content), TITLE_CHARS) }),
    ...(answer && {
      aborted: answer.stopReason === 'aborted' ? '1' : '',
      preview: oneLine(textOf(answer.content)).slice(0, PREVIEW_CHARS),
      runId: answer.runId,
    }),
    ...(byModel && modelMembers(byModel)),
  };
}

function modelMembers({ model, provider, usage }: Assistant): Record<string, string> {
  return {
    model,
    modelProvider: provider,
    inputTokens: String(usage.input),
    outputTokens: String(usage.output),
    totalTokens: String(usage.input + usage.cacheRead + usage.cacheWrite),
  };
}

/** Notes that an operator put in are answers of nobody. */
function findAnswer<L extends Place & { line: Buffer }>(
  lines: Lines<L>['lines'],
  recordOf: Lines<L>['recordOf'],
  fits: (answer: Assistant) => boolean,
): Assistant | undefined {
  for (const line of lines.slice(-ANSWERS_MOST).toReversed()) {
    const { record } = recordOf(line);
    if (record.type === 'assistant' && record.stopReason !== 'injected' && fits(record)) return record;
  }
  return undefined;
}

function answeredSince<L extends Place & { line: Buffer }>(
  lines: Lines<L>['lines'],
  recordOf: Lines<L>['recordOf'],
  sinceMs: number,
): AnsweredTurn[] {
  const ends = new Map<string, Assistant>();
  const answered: AnsweredTurn[] = [];
  for (const line of lines.slice(-ANSWERS_MOST).toReversed()) {
    const { record } = recordOf(line);
    if (record.timestamp < sinceMs) break;
    if (record.type === 'assistant') ends.set(record.turnId, record);
    const end = ends.get(record.turnId);
    if (record.type === 'user' && end) answered.push(answeredTurn(record.timestamp, end));
  }
  return answered;
}

function answeredTurn(startedAtMs: number, end: Assistant): AnsweredTurn {
  const { runId, turnId, stopReason, errorMessage = '', timestamp } = end;
  const status = stopReason === 'aborted' || stopReason === 'error' ? stopReason : 'final';
  return { runId, turnId, status, error: errorMessage, startedAtMs, endedAtMs: timestamp };
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

function shortened(text: string, chars: number): string {
  const line = oneLine(text);
  return line.length <= chars ? line : `${line.slice(0, chars - 1).trimEnd()}…`;
}

const textOf = (content: readonly ContentBlock[]): string =>
  content.map(({ text }) => (typeof text === 'string' ? text : '')).join(' ');
