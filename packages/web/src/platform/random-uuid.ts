const BYTES = 16;

/**
 * `crypto.randomUUID` exists only on https and localhost; a company that serves the
 * page by plain http inside its network would otherwise get a blank page.
 */
export function ensureRandomUuid(target: Crypto): void {
  if (typeof target.randomUUID === 'function') return;
  Object.defineProperty(target, 'randomUUID', {
    value: () => uuidFrom(target.getRandomValues(new Uint8Array(BYTES))),
  });
}

/** RFC 9562 version 4. */
export function uuidFrom(bytes: Uint8Array): string {
  const hex = [...bytes]
    .map((byte, at) => (at === 6 ? (byte & 0x0f) | 0x40 : at === 8 ? (byte & 0x3f) | 0x80 : byte))
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
