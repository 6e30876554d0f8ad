import { expect, test } from 'vitest';
import { clientAddress } from './client-address.ts';

const isTrusted = (address: string): boolean => address.startsWith('10.');
const via = (value: string): Record<string, string> => ({ 'x-forwarded-for': value });

test.each([
  ['loopback itself', '127.0.0.1', {}, { ip: '127.0.0.1', local: true }],
  ['loopback as IPv6', '::1', {}, { ip: '::1', local: true }],
  ['an IPv4 address in IPv6 spelling', '::ffff:127.0.0.1', {}, { ip: '127.0.0.1', local: true }],
  ['somebody else', '192.0.2.1', {}, { ip: '192.0.2.1', local: false }],
  ['an untrusted proxy on this machine', '127.0.0.1', via('192.0.2.1'), { ip: '127.0.0.1', local: false }],
  ['somebody who claims to be loopback', '192.0.2.1', via('127.0.0.1'), { ip: '192.0.2.1', local: false }],
  ['a trusted proxy', '10.0.0.1', via('192.0.2.1'), { ip: '192.0.2.1', local: false }],
  ['two trusted proxies', '10.0.0.1', via('192.0.2.1, 10.0.0.2'), { ip: '192.0.2.1', local: false }],
  [
    'a made-up hop before the real one',
    '10.0.0.1',
    via('127.0.0.1, 192.0.2.1'),
    { ip: '192.0.2.1', local: false },
  ],
  ['only trusted hops', '10.0.0.1', via('10.0.0.3, 10.0.0.2'), { ip: '10.0.0.3', local: false }],
  ['x-real-ip', '10.0.0.1', { 'x-real-ip': '192.0.2.9' }, { ip: '192.0.2.9', local: false }],
])('%s', (_, peer, headers, expected) => {
  expect(clientAddress(peer, headers, isTrusted)).toEqual(expected);
});
