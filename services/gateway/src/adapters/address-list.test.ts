import { expect, test } from 'vitest';
import { addressList } from './address-list.ts';

test.each([
  ['10.0.0.1', ['10.0.0.1'], true],
  ['10.0.0.2', ['10.0.0.1'], false],
  ['10.9.9.9', ['192.168.0.0/16', '10.0.0.0/8'], true],
  ['11.0.0.1', ['10.0.0.0/8'], false],
  ['fd00::7', ['fd00::/8'], true],
  ['::1', ['::1'], true],
  ['10.0.0.1', [], false],
  ['not an address', ['0.0.0.0/0'], false],
  ['10.0.0.1', ['proxy.local', '10.0.0.0/x', '10.0.0.0/33', '10.0.0.1/-1'], false],
])('%s on %j: %s', (address, entries, on) => {
  expect(addressList(entries)(address)).toBe(on);
});
