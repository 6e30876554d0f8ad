import { randomUUID } from 'node:crypto';
import { RequestFrame } from '@moltbot/shared/contracts';
import { deviceProblem, type DeviceCheck } from '../domain/device.ts';
import type { Verdict } from '../domain/principal.ts';
import { unauthorizedText } from '../domain/refusal-texts.ts';
import { grantScopes } from '../domain/scopes.ts';
import { ConnectParams } from './connect-params.ts';
import type { Connection, Peer } from './connection.ts';
import { faultsOf } from './validation.ts';

export type HandshakeDeps = Readonly<{
  verify: (token: string) => Promise<Verdict>;
  crypto: Pick<DeviceCheck, 'fingerprint' | 'verify'>;
  auth: () => Readonly<{ mode: 'token' | 'password'; allowInsecureAuth: boolean }>;
  onRefused(connection: Connection, reason: string): void;
}>;

const SUPPORTED = [3, 4] as const;

type Refusal = Readonly<{ message: string; code?: string; details?: unknown; close: number; log: string }>;

export type Opening = Readonly<{ requestId: string; params: ConnectParams; peer: Peer }>;

/** Reads a connection's first frame. Answers and closes by itself when it is refused; undefined then. */
export async function handshake(
  frame: unknown,
  nonce: string,
  local: boolean,
  connection: Connection,
  deps: HandshakeDeps,
): Promise<Opening | undefined> {
  const request = RequestFrame.safeParse(frame);
  if (!request.success) {
    connection.close(1008, 'invalid request frame');
    return undefined;
  }
  const { id, method, params } = request.data;
  const result =
    method === 'connect'
      ? await judge(params, nonce, local, deps)
      : bad('invalid handshake: first request must be connect', 'not_connect');
  if ('peer' in result) return { requestId: id, ...result };
  deps.onRefused(connection, result.log);
  connection.refuse(id, {
    code: result.code ?? 'INVALID_REQUEST',
    message: result.message,
    ...(result.details !== undefined && { details: result.details }),
  });
  connection.close(result.close, result.message);
  return undefined;
}

function bad(message: string, log: string, rest: Partial<Refusal> = {}): Refusal {
  return { message, log, close: 1008, ...rest };
}

async function judge(
  raw: unknown,
  nonce: string,
  local: boolean,
  deps: HandshakeDeps,
): Promise<Refusal | Omit<Opening, 'requestId'>> {
  const faults = faultsOf(ConnectParams, raw);
  if (faults !== undefined) return bad(`invalid connect params: ${faults}`, 'invalid_params');
  const params = ConnectParams.parse(raw);
  const protocol = SUPPORTED.findLast(
    (version) => version >= params.minProtocol && version <= params.maxProtocol,
  );
  if (protocol === undefined) {
    const { minProtocol: clientMinProtocol, maxProtocol: clientMaxProtocol } = params;
    const details = {
      code: 'PROTOCOL_MISMATCH',
      expectedProtocol: params.minProtocol > 3 ? 4 : 3,
      clientMinProtocol,
      clientMaxProtocol,
    };
    return bad('protocol mismatch', 'protocol_mismatch', { close: 1002, details });
  }
  const { role = 'operator' } = params;
  if (role !== 'operator' && role !== 'node') return bad('invalid role', 'invalid_role');
  const problem = identityProblem(params, role, nonce, local, deps);
  if (problem) return problem;
  return await authenticate(params, role, protocol, deps);
}

function credential(params: ConnectParams): string {
  const { token = '', password = '', deviceToken = '' } = params.auth ?? {};
  return token || password || deviceToken;
}

function identityProblem(
  params: ConnectParams,
  role: string,
  nonce: string,
  local: boolean,
  deps: HandshakeDeps,
): Refusal | undefined {
  const { client, device, scopes = [], auth } = params;
  if (!device) {
    if (client.id === 'clawdbot-control-ui' && !deps.auth().allowInsecureAuth)
      return bad('control ui requires HTTPS or localhost (secure context)', 'control_ui_insecure', {
        code: 'INVALID_REQUEST',
      });
    if (credential(params) !== '') return undefined;
    return bad('device identity required', 'device_identity_required', {
      code: 'NOT_PAIRED',
      details: { code: 'DEVICE_IDENTITY_REQUIRED' },
    });
  }
  const connect = { clientId: client.id, clientMode: client.mode, role, scopes, token: auth?.token ?? '' };
  const found = deviceProblem({ device, connect, nonce, local, nowMs: Date.now(), ...deps.crypto });
  return found === undefined ? undefined : bad(found, found.replaceAll(' ', '_'));
}

async function authenticate(
  params: ConnectParams,
  role: 'operator' | 'node',
  protocol: 3 | 4,
  deps: HandshakeDeps,
): Promise<Refusal | Omit<Opening, 'requestId'>> {
  const verdict = await deps.verify(credential(params));
  const { client } = params;
  if (!verdict.ok) {
    const details = { code: `AUTH_${verdict.reason.toUpperCase()}` };
    return bad(
      unauthorizedText(verdict.reason, client.id, deps.auth().mode),
      verdict.reason,
      protocol === 4 ? { details } : {},
    );
  }
  const scopes = grantScopes(verdict.principal, params.scopes);
  const peer: Peer = {
    principal: verdict.principal,
    scopes,
    role,
    protocol,
    client,
    deviceId: params.device?.id,
    expiresAtMs: verdict.expiresAtMs,
  };
  return { params, peer };
}

export const newNonce = (): string => randomUUID();
