import { readHead, type SessionHead } from '../domain/transcript.ts';
import { isWhole } from './line.ts';

/** One record's line where it lies; parsed only when somebody wants it. */
export type Found = Readonly<{ seq: number; fence: number; order: number; line: Buffer }>;

export type SegmentScan = Readonly<{
  head: SessionHead | undefined;
  found: readonly Found[];
  /** The last line was cut off or never finished: what a crash leaves. */
  torn: boolean;
  /** Numbers, from 1, of lines before the last that are not what was written. Nothing of ours leaves such. */
  damaged: readonly number[];
}>;

const NEWLINE = 10;
/** The place of a record's seq and fence: before anything a user wrote, so no message can imitate it. */
const PLACE =
  /^\{"type":"\w+","id":"\w+","parentId":(?:null|"\w+"),"timestamp":"[^"]+","seq":(\d+),"fence":(\d+),/;
const PLACE_WITHIN_BYTES = 256;

/** `firstOrder`: what the first line counts as among the lines of all segments of the session. */
export function scanSegment(bytes: Buffer, firstOrder: number): SegmentScan {
  const found: Found[] = [];
  const damaged: number[] = [];
  let head: SessionHead | undefined;
  let number = 0;
  for (let start = 0; start < bytes.length;) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline < 0 ? bytes.length : newline;
    const line = bytes.subarray(start, end);
    start = end + 1;
    number += 1;
    const place = newline >= 0 && isWhole(line) ? readPlace(line) : undefined;
    if (place) found.push({ ...place, order: firstOrder + number, line });
    else if (newline >= 0 && number === 1 && isWhole(line)) head = readHead(JSON.parse(line.toString()));
    // nothing stands after it, so this is where the writer died
    else if (start >= bytes.length) return { head, found, torn: true, damaged };
    else damaged.push(number);
  }
  return { head, found, torn: false, damaged };
}

export function readPlace(line: Buffer): { seq: number; fence: number } | undefined {
  const [, seq, fence] = PLACE.exec(line.toString('latin1', 0, PLACE_WITHIN_BYTES)) ?? [];
  return seq === undefined ? undefined : { seq: Number(seq), fence: Number(fence) };
}
