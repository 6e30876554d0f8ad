const MASK = '[redacted]';

/** Credentials by their shape: our tokens, provider keys, bearer headers, JWTs, private keys, URL passwords. */
const SECRETS: readonly RegExp[] = [
  /\bmbt_[a-z0-9]{12}_[A-Za-z0-9_-]{8,}/g,
  /\bsk-[A-Za-z0-9_-]{8,}/g,
  /\b(?<=bearer\s)[A-Za-z0-9._~+/=-]{8,}/gi,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g,
  /(?<=\/\/[^\s:/@]*:)[^\s@/"]+(?=@)/g,
  /(?<="(?:token|secret|password|apiKey|api_key|authorization|x-api-key)"\s*:\s*")[^"]+/gi,
];

/** The line with every known shape of secret, and every extra pattern's match, masked. */
export function redactText(text: string, patterns: readonly RegExp[] = []): string {
  let out = text;
  for (const pattern of SECRETS) out = out.replace(pattern, MASK);
  for (const pattern of patterns) out = out.replace(pattern, MASK);
  return out;
}

/** `logging.redactPatterns` as global expressions; `/…/flags` or a bare source. Throws SyntaxError on a bad one. */
export function compilePatterns(sources: readonly string[]): RegExp[] {
  return sources.map((source) => {
    const literal = /^\/(.*)\/([a-z]*)$/.exec(source);
    const flags = new Set(`${literal?.[2] ?? ''}g`);
    return new RegExp(literal?.[1] ?? source, [...flags].join(''));
  });
}
