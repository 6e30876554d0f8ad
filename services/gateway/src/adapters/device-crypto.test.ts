import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { deviceCrypto } from './device-crypto.ts';
import { deviceProblem, type Device, type DeviceCheck } from '../domain/device.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const RAW_KEY = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
const ID = createHash('sha256').update(RAW_KEY).digest('hex');
const NOW = 1_800_000_000_000;
const NONCE = 'the-nonce';
const CONNECT = {
  clientId: 'cli',
  clientMode: 'cli',
  role: 'operator',
  scopes: ['operator.admin', 'operator.pairing'],
  token: 'secret',
};

const signed = (text: string): string => sign(null, Buffer.from(text), privateKey).toString('base64url');
const V1 = `v1|${ID}|cli|cli|operator|operator.admin,operator.pairing|${NOW}|secret`;
const V2 = `${V1.replace('v1', 'v2')}|${NONCE}`;
const device: Device = {
  id: ID,
  publicKey: RAW_KEY.toString('base64url'),
  signature: signed(V2),
  signedAt: NOW,
  nonce: NONCE,
};
const withoutNonce: Device = { ...device, nonce: undefined, signature: signed(V1) };

function problem(check: Partial<DeviceCheck> = {}): string | undefined {
  return deviceProblem({
    device,
    connect: CONNECT,
    nonce: NONCE,
    local: false,
    nowMs: NOW,
    ...deviceCrypto,
    ...check,
  });
}

describe('a device', () => {
  test('signs with the nonce, or without it when it is local', () => {
    expect(problem()).toBeUndefined();
    expect(problem({ device: withoutNonce, local: true })).toBeUndefined();
  });

  test.each<[string, Partial<DeviceCheck>]>([
    ['device identity mismatch', { device: { ...device, id: '0'.repeat(64) } }],
    ['device identity mismatch', { device: { ...device, publicKey: 'short' } }],
    ['device signature expired', { nowMs: NOW + 10 * 60_000 + 1 }],
    ['device signature expired', { nowMs: NOW - 10 * 60_000 - 1 }],
    ['device nonce required', { device: withoutNonce }],
    ['device nonce mismatch', { nonce: 'another' }],
    ['device signature invalid', { connect: { ...CONNECT, token: 'stolen' } }],
    ['device signature invalid', { connect: { ...CONNECT, scopes: [] } }],
    ['device signature invalid', { device: { ...device, signature: signed(V1) } }],
    ['device signature invalid', { device: { ...device, signature: '' } }],
  ])('%s', (expected, check) => {
    expect(problem(check)).toBe(expected);
  });
});
