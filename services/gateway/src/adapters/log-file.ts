import {
  closeSync,
  existsSync,
  fchmodSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

const FILE_MODE = 0o640;
const FOLDER_MODE = 0o750;

export type LogFile = Disposable & Readonly<{ write: (line: string) => void }>;

const LOOK_INTERVAL_MS = 1_000;

/**
 * A sink that appends whole lines to `logging.file`. Written at once: a line that explains a
 * crash must be in the file. Somebody who moves the file away (logrotate) gets a new one within
 * a second. A full or missing disk never stops the gateway; it says so once.
 */
export function openLogFile(path: string, onProblem: (error: unknown) => void): LogFile {
  let failed = false;
  let file = openAppending(path);
  const timer = setInterval(() => {
    if (statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(file).ino) return;
    guarded(() => {
      const next = openAppending(path);
      closeSync(file);
      file = next;
    });
  }, LOOK_INTERVAL_MS).unref();
  return {
    write: (line) => guarded(() => void writeSync(file, line)),
    [Symbol.dispose]: () => {
      clearInterval(timer);
      closeSync(file);
    },
  };

  function guarded(work: () => void): void {
    try {
      work();
      failed = false;
    } catch (error) {
      if (failed) return;
      failed = true; // before saying so: the message comes back here
      onProblem(error);
    }
  }
}

/** Why `path` cannot be a log file here; undefined when it can. The file and its folders are made. */
export function logFileProblem(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    closeSync(openAppending(path));
    return undefined;
  } catch (error) {
    return `cannot be written: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** @NOTE one folder at a time: `recursive` never returns below a missing entry of /proc (measured). */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: FOLDER_MODE });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // another process was quicker
  }
}

function openAppending(path: string): number {
  makeFolder(dirname(path));
  // opening one waits for somebody who reads it
  if (statSync(path, { throwIfNoEntry: false })?.isFIFO()) throw new Error(`${path} is a pipe`);
  const file = openSync(path, 'a', FILE_MODE);
  try {
    if (fstatSync(file).isFile()) fchmodSync(file, FILE_MODE);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
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
