import { crc32 } from 'node:zlib';

/** Every line ends in `,"crc":"<8 hex>"}`: the checksum of all bytes before it. */
const START = ',"crc":"';
const TAIL_BYTES = START.length + 8 + 2;

export function sealLine(json: string): string {
  const body = json.slice(0, -1);
  return `${body}${START}${crc32(body).toString(16).padStart(8, '0')}"}\n`;
}

/** `line` without its newline. */
export function isWhole(line: Buffer): boolean {
  const at = line.length - TAIL_BYTES;
  if (at < 1) return false;
  const tail = line.toString('latin1', at);
  if (!tail.startsWith(START) || !tail.endsWith('"}')) return false;
  return Number.parseInt(tail.slice(START.length, -2), 16) === crc32(line.subarray(0, at));
}
