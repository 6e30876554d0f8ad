export type ClientAddress = Readonly<{ ip: string; local: boolean }>;
type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * Who is at the other end. Forwarding headers are believed only from trusted peers; from anybody
 * else they merely show that a proxy is in between, so the client does not count as local.
 */
export function clientAddress(
  peer: string,
  headers: Headers,
  isTrusted: (address: string) => boolean,
): ClientAddress {
  const ip = peer.replace(/^::ffff:/, '');
  const forwarded = String(headers['x-forwarded-for'] ?? headers['x-real-ip'] ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
  if (forwarded.length === 0) return { ip, local: isLoopback(ip) };
  if (!isTrusted(ip)) return { ip, local: false };
  const client = forwarded.findLast((address) => !isTrusted(address)) ?? forwarded[0] ?? ip;
  return { ip: client, local: isLoopback(client) };
}

export const isLoopback = (ip: string): boolean => ip === '::1' || ip.startsWith('127.');
