import { BlockList, isIP } from 'node:net';

export type ClientAddress = Readonly<{ ip: string; local: boolean }>;
type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * Who is at the other end. Forwarding headers are believed only from trusted peers; from anybody
 * else they merely show that a proxy is in between, so the client does not count as local.
 */
export function clientAddress(peer: string, headers: Headers, trusted: readonly string[]): ClientAddress {
  const ip = peer.replace(/^::ffff:/, '');
  const forwarded = String(headers['x-forwarded-for'] ?? headers['x-real-ip'] ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
  if (forwarded.length === 0) return { ip, local: isLoopback(ip) };
  if (!isTrusted(ip, trusted)) return { ip, local: false };
  const client = forwarded.findLast((address) => !isTrusted(address, trusted)) ?? forwarded[0] ?? ip;
  return { ip: client, local: isLoopback(client) };
}

export const isLoopback = (ip: string): boolean => ip === '::1' || ip.startsWith('127.');

function isTrusted(ip: string, trusted: readonly string[]): boolean {
  const list = new BlockList();
  for (const entry of trusted) {
    const [address = '', bits] = entry.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (isIP(address) === 0) continue;
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return isIP(ip) !== 0 && list.check(ip, isIP(ip) === 6 ? 'ipv6' : 'ipv4');
}
