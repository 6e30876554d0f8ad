/**
 * The archive as its files say it, read without any of session-store's code: a checker that shared
 * the writer's parser would share its mistakes.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

export type ArchivedLine = Readonly<{
  seq: number;
  fence: number;
  turnId: string;
  role: 'user' | 'assistant' | 'compaction';
  text: string;
  stopReason: string;
}>;

export type ArchivedSession = Readonly<{
  /** Every whole line of every segment, in the order they were written. */
  lines: readonly ArchivedLine[];
  /** Segments whose last line is cut off: what a crash leaves. */
  torn: readonly string[];
  /** Lines before the last that are no lines of ours: half lines glued, or worse. */
  broken: readonly string[];
}>;

const NOTHING: ArchivedSession = { lines: [], torn: [], broken: [] };

export async function readArchive(root: string, userId: string, sid: string): Promise<ArchivedSession> {
  const dir = join(root, userId, sid);
  const names = (await readdir(dir).catch(() => [])).filter((name) => name.endsWith('.jsonl'));
  let all = NOTHING;
  for (const name of names.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))) {
    const segment = readSegment(name, await readFile(join(dir, name), 'utf8'), sid);
    all = {
      lines: [...all.lines, ...segment.lines],
      torn: [...all.torn, ...segment.torn],
      broken: [...all.broken, ...segment.broken],
    };
  }
  return all;
}

function readSegment(name: string, text: string, sid: string): ArchivedSession {
  const parts = text.split('\n');
  const rest = parts.pop() ?? '';
  const read = parts.map((part, at) => {
    const value = wholeLine(part);
    const head = at === 0 && value?.['type'] === 'session' && value['id'] === sid;
    return {
      place: `${name}:${at + 1}: ${part.slice(0, 120)}`,
      head,
      line: at > 0 ? readLine(value) : undefined,
    };
  });
  const bad = read.filter(({ head, line }) => !head && !line).map(({ place }) => place);
  // only what stands at the very end can have been cut off by a crash
  const cut = rest === '' && bad.at(-1) === read.at(-1)?.place ? bad.splice(-1) : [];
  const torn = rest === '' ? cut : [`${name}: ${rest.slice(0, 80)}`];
  return { lines: read.flatMap(({ line }) => line ?? []), torn, broken: bad };
}

/** The line's JSON when its checksum is right: `…,"crc":"<8 hex>"}` over all that stands before. */
function wholeLine(line: string): Record<string, unknown> | undefined {
  const [, body, crc] = /^(.*),"crc":"([0-9a-f]{8})"\}$/s.exec(line) ?? [];
  if (body === undefined || crc === undefined) return undefined;
  if (crc32(body).toString(16).padStart(8, '0') !== crc) return undefined;
  return JSON.parse(line) as Record<string, unknown>;
}

type Message = { role: 'user' | 'assistant'; content: { text?: string }[]; stopReason?: string };

function readLine(value: Record<string, unknown> = {}): ArchivedLine | undefined {
  const { seq, fence, turnId } = value as { seq?: unknown; fence?: unknown; turnId?: unknown };
  if (typeof seq !== 'number' || typeof fence !== 'number' || typeof turnId !== 'string') return undefined;
  const place = { seq, fence, turnId };
  if (value['type'] === 'compaction')
    return { ...place, role: 'compaction', text: String(value['summary']), stopReason: '' };
  if (value['type'] !== 'message') return undefined;
  const { role, content, stopReason = '' } = value['message'] as Message;
  const text = content.map((block) => block.text ?? '').join('');
  return { ...place, role, text: text.replace(/\n\[message_id: [^\]]*\]$/, ''), stopReason };
}
