import {
  appendFileSync,
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';

const FILE_MODE = 0o640;

/**
 * A sink that appends whole lines to `logging.file`. Written at once: a line that explains a
 * crash must be in the file. A full or missing disk never stops the gateway; it says so once.
 */
export function openLogFile(path: string, onProblem: (error: unknown) => void): (line: string) => void {
  let failed = false;
  if (!existsSync(dirname(path))) mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
  appendFileSync(path, '', { mode: FILE_MODE });
  chmodSync(path, FILE_MODE);
  return (line) => {
    try {
      appendFileSync(path, line, { mode: FILE_MODE });
      failed = false;
    } catch (error) {
      if (failed) return;
      failed = true;
      onProblem(error);
    }
  };
}

export type LogPage = Readonly<{
  file: string;
  cursor: number;
  size: number;
  lines: string[];
  truncated?: boolean;
  reset?: boolean;
}>;

/** Lines from a byte cursor on, or the file's end without one; `cursor` of the answer continues. */
export function tailLogFile(
  path: string,
  options: Readonly<{ cursor?: number | undefined; limit: number; maxBytes: number }>,
): LogPage {
  if (!existsSync(path)) return { file: path, cursor: 0, size: 0, lines: [] };
  const { size } = statSync(path);
  const reset = options.cursor !== undefined && options.cursor > size;
  const from =
    options.cursor === undefined || reset
      ? Math.max(0, size - options.maxBytes)
      : Math.max(options.cursor, size - options.maxBytes);
  const text = readRange(path, from, size);
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  const cutStart = from > 0 && options.cursor !== from ? whole.indexOf('\n') + 1 : 0;
  const lines = whole
    .slice(cutStart)
    .split('\n')
    .filter((line) => line !== '');
  const truncated = options.cursor !== undefined && from > options.cursor;
  return {
    file: path,
    cursor: from + Buffer.byteLength(whole),
    size,
    lines: lines.slice(-options.limit),
    ...(truncated && { truncated }),
    ...(reset && { reset }),
  };
}

function readRange(path: string, from: number, to: number): string {
  const buffer = Buffer.alloc(to - from);
  const file = openSync(path, 'r');
  try {
    return buffer.subarray(0, readSync(file, buffer, 0, buffer.length, from)).toString('utf8');
  } finally {
    closeSync(file);
  }
}
