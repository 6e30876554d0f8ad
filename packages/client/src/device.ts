import { base64url, hex, utf8 } from './encoding.ts';

/** An ed25519 key that a client keeps; the server checks the signature and does not ask for pairing. */
export type DeviceIdentity = Readonly<{
  /** Hex SHA-256 of the raw public key. */
  id: string;
  /** base64url of the 32 raw bytes. */
  publicKey: string;
  sign(message: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
}>;

export type DeviceProof = {
  id: string;
  publicKey: string;
  signature: string;
  signedAt: number;
  nonce?: string;
};

type Signed = Readonly<{
  clientId: string;
  clientMode: string;
  role: string;
  scopes: readonly string[];
  token: string;
  signedAtMs: number;
  nonce: string | undefined;
}>;

/** Needs WebCrypto: https or localhost in a browser. */
export async function createDeviceIdentity(pair?: CryptoKeyPair): Promise<DeviceIdentity> {
  const keys = pair ?? (await generatePair());
  const raw = await crypto.subtle.exportKey('raw', keys.publicKey);
  return {
    id: hex(await crypto.subtle.digest('SHA-256', raw)),
    publicKey: base64url(new Uint8Array(raw)),
    sign: async (message) => new Uint8Array(await crypto.subtle.sign('Ed25519', keys.privateKey, message)),
  };
}

async function generatePair(): Promise<CryptoKeyPair> {
  const keys = await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify']);
  if (!('privateKey' in keys)) throw new Error('this runtime has no ed25519 key pairs');
  return keys;
}

/** Scopes and token must be exactly those the connect request carries. */
export async function proveDevice(device: DeviceIdentity, s: Signed): Promise<DeviceProof> {
  const version = s.nonce === undefined ? 'v1' : 'v2';
  const parts = [
    version,
    device.id,
    s.clientId,
    s.clientMode,
    s.role,
    s.scopes.join(','),
    s.signedAtMs,
    s.token,
  ];
  if (s.nonce !== undefined) parts.push(s.nonce);
  const signature = base64url(await device.sign(utf8(parts.join('|'))));
  return {
    id: device.id,
    publicKey: device.publicKey,
    signature,
    signedAt: s.signedAtMs,
    ...(s.nonce !== undefined && { nonce: s.nonce }),
  };
}
