import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import type { DeviceCheck } from '../domain/device.ts';

/** What precedes the 32 raw bytes of an ed25519 public key in its SPKI form (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const RAW_KEY_BYTES = 32;

export const deviceCrypto: Pick<DeviceCheck, 'fingerprint' | 'verify'> = {
  fingerprint: (publicKey) => {
    const raw = rawKey(publicKey);
    return raw && createHash('sha256').update(raw).digest('hex');
  },
  verify: (publicKey, payload, signature) => {
    const key = keyObject(publicKey);
    return key !== undefined && verify(null, Buffer.from(payload), key, Buffer.from(signature, 'base64url'));
  },
};

function rawKey(publicKey: string): Buffer | undefined {
  const raw = Buffer.from(publicKey, 'base64url');
  return raw.length === RAW_KEY_BYTES ? raw : undefined;
}

function keyObject(publicKey: string): KeyObject | undefined {
  const raw = rawKey(publicKey);
  return raw && createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: 'der', type: 'spki' });
}
