import Table from 'cli-table3';
import type { Printer } from '../terminal.ts';

/** cli-table3 draws a frame unless every piece of it is empty. */
const PLAIN = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** Columns without a frame: easy to read, easy to cut with awk. */
export function printTable(
  print: Printer,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const table = new Table({
    head: head.map((name) => print.style('bold', name)),
    chars: PLAIN,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  table.push(...rows.map((row) => row.map((cell) => cell || '-')));
  for (const line of table.toString().split('\n')) print.line(line.trimEnd());
}
