import type { WireMessage } from '@moltbot/shared/contracts';
import type { ChatMessage, ContentBlock } from './types.ts';

/** History entries carry our `seq` and `runId`; an upstream server sends neither. */
export function fromWire(wire: WireMessage, index: number): ChatMessage {
  const content = blocks(wire.content);
  const seq = numberOf(wire['seq']);
  const runId = textOf(wire['runId']);
  const stopReason = textOf(wire['stopReason']);
  const errorMessage = textOf(wire['errorMessage']);
  return {
    id: seq === undefined ? `at:${index}` : `seq:${seq}`,
    role: wire.role,
    content,
    text: plainText(content),
    timestampMs: wire.timestamp ?? 0,
    status: 'sent',
    wire,
    ...(seq !== undefined && { seq }),
    ...(runId !== undefined && { runId }),
    ...(stopReason !== undefined && { stopReason }),
    ...(errorMessage !== undefined && { errorMessage }),
  };
}

export function plainText(content: readonly ContentBlock[]): string {
  return content
    .map((block) => (block.type === 'text' && typeof block['text'] === 'string' ? block['text'] : ''))
    .join('');
}

/**
 * The newest page of the server's history, laid over what we show.
 *
 * Older pages that were loaded stay. Messages the server has not numbered yet stay as
 * long as `keep` wants them and the page does not hold them; their ids pass to the
 * numbered ones, so that a list does not jump.
 */
export function applyPage(
  shown: readonly ChatMessage[],
  page: readonly ChatMessage[],
  keep: (message: ChatMessage) => boolean,
): ChatMessage[] {
  const firstSeq = page[0]?.seq;
  const older = firstSeq === undefined ? [] : shown.filter((m) => m.seq !== undefined && m.seq < firstSeq);
  const knownIds = new Map(shown.flatMap((m) => (m.seq === undefined ? [] : [[m.seq, m.id] as const])));
  const loose = shown.filter((m) => m.seq === undefined && !m.id.startsWith('at:'));
  const lastSeq = Math.max(-1, ...knownIds.keys());
  const numbered = page.map((message) => {
    const knownId = message.seq === undefined ? undefined : knownIds.get(message.seq);
    if (knownId !== undefined) return { ...message, id: knownId };
    if (message.seq !== undefined && message.seq <= lastSeq) return message;
    const at = loose.findIndex((candidate) => isSame(candidate, message));
    const [match] = at < 0 ? [] : loose.splice(at, 1);
    return match ? { ...message, id: match.id } : message;
  });
  return [...older, ...numbered, ...loose.filter(keep)];
}

/** One message the server has just stored. */
export function upsert(shown: readonly ChatMessage[], message: ChatMessage): ChatMessage[] {
  const { seq } = message;
  const known = shown.findIndex((m) => m.seq !== undefined && m.seq === seq);
  if (known >= 0) return shown.with(known, { ...message, id: shown[known]?.id ?? message.id });
  const match = shown.findIndex((m) => m.seq === undefined && isSame(m, message));
  const next = match < 0 ? message : { ...message, id: shown[match]?.id ?? message.id };
  if (match >= 0 && seq !== undefined && fits(shown, match, seq)) return shown.with(match, next);
  const rest = shown.filter((_, at) => at !== match);
  const after = placeOf(rest, message);
  return after < 0 ? [...rest, next] : rest.toSpliced(after, 0, next);
}

/** Whether the numbers stay in order with this one there. What has no number yet stays where it was shown. */
const fits = (shown: readonly ChatMessage[], at: number, seq: number): boolean =>
  shown.every((m, place) => m.seq === undefined || place === at || place < at === m.seq < seq);

/** Before what is newer or has no number yet; an answer behind its own question, numbered or not. */
function placeOf(shown: readonly ChatMessage[], { seq, runId, role }: ChatMessage): number {
  const asked = shown.findIndex((m) => m.runId === runId && m.role === 'user' && role !== 'user');
  if (runId !== undefined && shown[asked] !== undefined && shown[asked].seq === undefined) return asked + 1;
  return shown.findIndex((m) => m.seq === undefined || (seq !== undefined && m.seq > seq));
}

function isSame(local: ChatMessage, stored: ChatMessage): boolean {
  if (local.role !== stored.role) return false;
  if (local.runId !== undefined && stored.runId !== undefined) return local.runId === stored.runId;
  return local.text.trim() === stored.text.trim();
}

const blocks = (content: WireMessage['content']): readonly ContentBlock[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : content;
const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
