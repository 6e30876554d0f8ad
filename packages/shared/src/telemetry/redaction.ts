const MASK = '[redacted]';

/**
 * Credentials by their shape: our tokens, provider keys, bearer headers, URL passwords, JSON members.
 * @NOTE strangers choose what is logged: each of these takes time in proportion to the line, whatever
 * it holds. JWTs and private keys cannot be found so by an expression, and have functions below.
 */
const SECRETS: readonly RegExp[] = [
  /\bmbt_[a-z0-9]{12}_[A-Za-z0-9_-]{8,}/g,
  /\bsk-[A-Za-z0-9_-]{8,}/g,
  /\b(?<=bearer\s)[A-Za-z0-9._~+/=-]{8,}/gi,
  /(?<=\/\/[^\s:/@]*:)[^\s@/"]+(?=@)/g,
  /(?<="(?:token|secret|password|apiKey|api_key|authorization|x-api-key)"\s*:\s*")[^"]+/gi,
];

/** The line with every known shape of secret, and every extra pattern's match, masked. */
export function redactText(text: string, patterns: readonly RegExp[] = []): string {
  let out = maskPrivateKeys(text).replace(DOTTED, maskJwts);
  for (const pattern of SECRETS) out = out.replace(pattern, MASK);
  for (const pattern of patterns) out = out.replace(pattern, MASK);
  return out;
}

const DOTTED = /[A-Za-z0-9_.-]{20,}/g;
const JWT_START = /eyJ[A-Za-z0-9_-]{8}/;

/** In one run of dotted words: three in a row of which the first holds `eyJ…`. */
function maskJwts(run: string): string {
  if (!run.includes('eyJ')) return run;
  const words = run.split('.');
  const out: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const [word = '', payload = '', signature = ''] = words.slice(at, at + 3);
    const start = payload.length >= 8 && signature !== '' ? word.search(JWT_START) : -1;
    out.push(start < 0 ? word : `${word.slice(0, start)}${MASK}`);
    if (start >= 0) at += 2;
  }
  return out.join('.');
}

const KEY_BEGIN = /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----/g;
const KEY_END = /-----END [A-Z ]{0,40}PRIVATE KEY-----/g;
/** Where a key that was cut off ends at the latest: with its JSON string, or with the line. */
const TEXT_END = /\\{0,8}"|\n?$/g;

function maskPrivateKeys(text: string): string {
  if (!text.includes('PRIVATE KEY-----')) return text;
  let out = '';
  let done = 0;
  let ends = true;
  for (const { index } of text.matchAll(KEY_BEGIN)) {
    if (index < done) continue;
    const end: number | undefined = ends ? after(KEY_END, text, index) : undefined;
    ends = end !== undefined; // where none follows this beginning, none follows a later one
    out += text.slice(done, index) + MASK;
    TEXT_END.lastIndex = index;
    done = end ?? TEXT_END.exec(text)?.index ?? text.length;
  }
  return out + text.slice(done);
}

/** Where the first match from there on ends. */
function after(pattern: RegExp, text: string, from: number): number | undefined {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

/** `logging.redactPatterns` as global expressions; `/…/flags` or a bare source. Throws SyntaxError on a bad one. */
export function compilePatterns(sources: readonly string[]): RegExp[] {
  return sources.map((source) => {
    const literal = /^\/(.*)\/([a-z]*)$/.exec(source);
    const flags = new Set(`${literal?.[2] ?? ''}g`);
    return new RegExp(literal?.[1] ?? source, [...flags].join(''));
  });
}
