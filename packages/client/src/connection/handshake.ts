import type { EventFrame } from '@moltbot/shared/contracts';
import { type DeviceProof, proveDevice } from '../device.ts';
import type { ClientOptions } from '../options.ts';

/** A server that sends no challenge by then is old, and wants no nonce. */
const CHALLENGE_WAIT_MS = 750;
const ROLE = 'operator';

export type ConnectParams = {
  minProtocol: number;
  maxProtocol: number;
  client: ClientOptions['client'];
  role: string;
  scopes?: readonly string[];
  caps: string[];
  auth?: { token: string };
  device?: DeviceProof;
  locale?: string;
  userAgent?: string;
};

export class ChallengeWait {
  readonly nonce: Promise<string | undefined>;
  readonly #settle: (nonce: string | undefined) => void;
  readonly #timer: ReturnType<typeof setTimeout>;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    this.nonce = promise;
    this.#settle = resolve;
    this.#timer = setTimeout(() => resolve(undefined), CHALLENGE_WAIT_MS);
  }

  offer(frame: EventFrame): void {
    const nonce = (frame.payload as { nonce?: unknown } | undefined)?.nonce;
    this.end(typeof nonce === 'string' ? nonce : undefined);
  }

  end(nonce?: string): void {
    clearTimeout(this.#timer);
    this.#settle(nonce);
  }
}

export async function connectParams(
  options: ClientOptions,
  nonce: string | undefined,
): Promise<ConnectParams> {
  const token = typeof options.token === 'function' ? await options.token() : options.token;
  const params: ConnectParams = {
    minProtocol: options.minProtocol ?? 3,
    maxProtocol: options.maxProtocol ?? 4,
    client: options.client,
    role: ROLE,
    caps: [],
    ...(options.scopes && { scopes: options.scopes }),
    ...(token !== '' && { auth: { token } }),
  };
  if (options.device) {
    params.device = await proveDevice(options.device, {
      clientId: options.client.id,
      clientMode: options.client.mode,
      role: ROLE,
      scopes: options.scopes ?? [],
      token,
      signedAtMs: Date.now(),
      nonce,
    });
  }
  return params;
}
