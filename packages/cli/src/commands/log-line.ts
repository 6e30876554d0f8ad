import type { Printer } from '../terminal.ts';

type Styler = Printer['style'];

/** pino writes numbers. */
const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};
const COLOURS: Readonly<Record<string, Parameters<Styler>[0]>> = {
  warn: 'yellow',
  error: 'red',
  fatal: 'red',
  debug: 'gray',
  trace: 'gray',
};
/** The same on every line, shown in a place of their own, or repeated for upstream's viewers (`0`, `_meta`). */
const OF_THE_MACHINE = new Set([
  'level',
  'time',
  'msg',
  'pid',
  'hostname',
  'v',
  'name',
  'service',
  'event',
  '0',
  'message',
  '_meta',
]);

const plain: Styler = (_style, text) => text;

/** `2026-11-23T08:00:00.000Z info gateway listening port=18789`; a line that is no JSON stays as it is. */
export function readable(line: string, style: Styler = plain): string {
  const entry = parse(line);
  if (!entry) return line;
  const level =
    typeof entry['level'] === 'number'
      ? (LEVELS[entry['level']] ?? String(entry['level']))
      : text(entry['level']);
  const time =
    typeof entry['time'] === 'number' ? new Date(entry['time']).toISOString() : text(entry['time']);
  const facts = Object.entries(entry)
    .filter(([name]) => !OF_THE_MACHINE.has(name))
    .map(([name, value]) => `${name}=${text(value)}`);
  const who = text(entry['service'] ?? entry['name']);
  const parts = [
    style('gray', time),
    style(COLOURS[level] ?? 'cyan', level),
    who,
    text(entry['msg']),
    style('gray', facts.join(' ')),
  ];
  return parts.filter((part) => part !== '').join(' ');
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === 'object' && entry !== null && !Array.isArray(entry)
      ? (entry as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function text(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
