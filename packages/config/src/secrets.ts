import type { ConfigPath } from './path.ts';

const SECRET_NAME = /token|secret|passw|api[-_]?key|private[-_]?key|credential/i;
/** Counts and file names whose names merely contain such a word. */
const HARMLESS_NAME = /^(max|context|input|output|reserve|soft).*tokens|tokens?field$|(file|path|env|url)$/i;
const SECRET_LIST = /^(tokens|secrets|passwords|credentials|api[-_]?keys)$/i;
const SECRET_HEADER = /auth|cookie|token|secret|key|passw|credential/i;
const PASSWORD_IN_URL = /:\/\/[^/\s:@]*:[^/\s@]+@/;

/** Whether this text at this place must not be shown. */
export function isSecret(path: ConfigPath, text: string): boolean {
  if (text === '') return false;
  if (PASSWORD_IN_URL.test(text)) return true;
  const names = path.filter((name) => !/^\d+$/.test(name));
  const name = names.at(-1) ?? '';
  if (names.at(-2) === 'headers' && SECRET_HEADER.test(name)) return true;
  if (names.slice(0, -1).some((parent) => SECRET_LIST.test(parent))) return true;
  return SECRET_NAME.test(name) && !HARMLESS_NAME.test(name);
}

/** Nothing but variables, perhaps after an authentication scheme. A literal part may be the secret itself. */
export function isReference(text: string): boolean {
  return /^(?:(?:bearer|basic|token)\s+)?(?:\$\{[A-Z_][A-Z0-9_]*\})+$/i.test(text);
}

/** A variable whose name says that it holds a secret, wherever somebody put it. */
export function refersToSecret(text: unknown): boolean {
  if (typeof text !== 'string') return false;
  return [...text.matchAll(/\$\{([A-Z_][A-Z0-9_]*)\}/g)].some(([, name = '']) => SECRET_NAME.test(name));
}
