import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

const SPKI_PREFIX_BYTES = 12; // what DER puts before the 32 bytes of an ed25519 key

export type DeviceKeys = Readonly<{ id: string; publicKey: string; privateKey: KeyObject }>;

export function makeDevice(): DeviceKeys {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(SPKI_PREFIX_BYTES);
  return {
    id: createHash('sha256').update(raw).digest('hex'),
    publicKey: raw.toString('base64url'),
    privateKey,
  };
}

export type Claimed = Readonly<{ token: string; nonce: string; signedAtMs?: number; scopes?: string[] }>;

/** The `device` member of connect params, signed for the client that `connectParams` describes. */
export function signedDevice(device: DeviceKeys, claimed: Claimed): object {
  const { token, nonce, signedAtMs = Date.now(), scopes = [] } = claimed;
  const text = ['v2', device.id, 'test', 'test', 'operator', scopes.join(','), signedAtMs, token, nonce].join(
    '|',
  );
  return {
    id: device.id,
    publicKey: device.publicKey,
    signature: sign(null, Buffer.from(text), device.privateKey).toString('base64url'),
    signedAt: signedAtMs,
    nonce,
  };
}
