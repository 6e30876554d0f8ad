import { InvalidArgumentError } from 'commander';
import JSON5 from 'json5';

/** For days, lines, minutes and ports: none of them can be 0. */
export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value <= 0) throw new InvalidArgumentError('a whole number above 0');
  return value;
}

/** JSON, or JSON5 for those who type it by hand. */
export function jsonArgument(text: string): unknown {
  try {
    return JSON5.parse(text);
  } catch (error) {
    throw new InvalidArgumentError(`not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** What `config set` takes: JSON5 where it parses, else the text itself. */
export function looseValue(text: string): unknown {
  try {
    return JSON5.parse(text);
  } catch {
    return text;
  }
}

/** `a, b` and `a,b`. */
export const commaList = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
