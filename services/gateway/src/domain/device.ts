/** The device identity a connect may carry: an ed25519 key that signed the request. */
export type Device = Readonly<{
  id: string;
  publicKey: string;
  signature: string;
  signedAt: number;
  nonce?: string | undefined;
}>;

export type SignedConnect = Readonly<{
  clientId: string;
  clientMode: string;
  role: string;
  scopes: readonly string[];
  token: string;
}>;

export type DeviceCheck = Readonly<{
  device: Device;
  connect: SignedConnect;
  nonce: string;
  local: boolean;
  nowMs: number;
  /** Hex SHA-256 of the raw public key; undefined when it is not 32 bytes of base64url. */
  fingerprint(publicKey: string): string | undefined;
  verify(publicKey: string, payload: string, signature: string): boolean;
}>;

const SKEW_MS = 10 * 60_000;

/** Upstream's checks in upstream's order and words; undefined when the identity holds. */
export function deviceProblem(check: DeviceCheck): string | undefined {
  const { device, nonce, local } = check;
  const fingerprint = check.fingerprint(device.publicKey);
  if (fingerprint === undefined || fingerprint !== device.id) return 'device identity mismatch';
  if (Math.abs(check.nowMs - device.signedAt) > SKEW_MS) return 'device signature expired';
  if (device.nonce === undefined && !local) return 'device nonce required';
  if (device.nonce !== undefined && device.nonce !== nonce) return 'device nonce mismatch';
  return check.verify(device.publicKey, signedText(device, check.connect), device.signature)
    ? undefined
    : 'device signature invalid';
}

function signedText(device: Device, connect: SignedConnect): string {
  const { clientId, clientMode, role, scopes, token } = connect;
  const version = device.nonce === undefined ? 'v1' : 'v2';
  const parts = [
    version,
    device.id,
    clientId,
    clientMode,
    role,
    scopes.join(','),
    String(device.signedAt),
    token,
  ];
  return [...parts, ...(device.nonce === undefined ? [] : [device.nonce])].join('|');
}
