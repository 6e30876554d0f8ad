import { createHash, timingSafeEqual } from 'node:crypto';
import { ROLE_SCOPES, SCOPES, TokenRecord, UserId } from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';
import { authKeys, type Redis } from '@moltbot/shared/redis';
import type { Principal, Verdict } from '../domain/principal.ts';
import { gatewayTokenProblem, splitPersonalToken } from '../domain/verify-token.ts';

export type Verifier = Readonly<{
  verify: (token: string) => Promise<Verdict>;
  /** Drops what is remembered of a token: it was revoked. */
  forget: (tokenId: string) => void;
  /** Whether the token behind an open connection would still be let in; asked again where a message may have been lost. */
  stillValid: (tokenId: string) => Promise<boolean>;
}>;

export type VerifierOptions = Readonly<{
  redis: Redis;
  gatewayTokens(): readonly string[];
  now?: () => number;
}>;

/** A revocation must be felt within a second, also when its message is lost. */
const REMEMBER_MS = 1_000;
const USED_INTERVAL_MS = 60_000;

/** The bootstrap and service credential: a service with sessions of its own, no person. */
function gatewayPrincipal(tokenHash: Buffer): Principal {
  const tokenId = gatewayTokenId(tokenHash);
  return { userId: UserId.parse('gateway'), kind: 'service', roles: ['admin'], scopes: [...SCOPES], tokenId };
}

const GATEWAY_PREFIX = 'gateway-';
/** Tells one gateway token from the next during a rotation, and says nothing else about it. */
const gatewayTokenId = (tokenHash: Buffer): string => `${GATEWAY_PREFIX}${tokenHash.toString('hex', 0, 6)}`;

/** Decides who a token is. Anything unknown is refused; a Redis that does not answer opens no door. */
export function createVerifier({ redis, gatewayTokens, now = Date.now }: VerifierOptions): Verifier {
  const usable = (): Buffer[] =>
    gatewayTokens()
      .filter((candidate) => gatewayTokenProblem(candidate) === undefined)
      .map(sha256);
  const remembered = new Map<string, { hash: Buffer; verdict: Verdict; untilMs: number }>();
  const usedAtMs = new Map<string, number>();
  const noteUse = (id: string): void => {
    if (now() - (usedAtMs.get(id) ?? 0) < USED_INTERVAL_MS) return;
    usedAtMs.set(id, now());
    redis.hset(authKeys.used, id, now()).catch(() => usedAtMs.delete(id));
  };
  const personal = async (id: string, secret: string): Promise<Verdict> => {
    const hash = sha256(secret);
    const askedAtMs = now();
    const known = remembered.get(id);
    if (known && known.untilMs > askedAtMs && timingSafeEqual(known.hash, hash)) {
      noteUse(id);
      return known.verdict;
    }
    const verdict = judge(await readRecord(redis, id), hash, now());
    if (verdict.ok) {
      // counted from before the read: what was revoked during it is forgotten in time all the same
      remembered.set(id, {
        hash,
        verdict,
        untilMs: Math.min(askedAtMs + REMEMBER_MS, verdict.expiresAtMs ?? Infinity),
      });
      noteUse(id);
    } else if (known) remembered.delete(id);
    return verdict;
  };
  return {
    verify: async (token) => {
      if (token === '') return { ok: false, reason: 'token_missing' };
      const parts = splitPersonalToken(token);
      if (parts) return await personal(parts.id, parts.secret);
      const given = sha256(token);
      // every candidate is compared, so that the time tells nothing about which one was nearly right
      const matches = usable().map((candidate) => timingSafeEqual(candidate, given));
      if (!matches.includes(true)) return { ok: false, reason: 'token_mismatch' };
      return { ok: true, principal: gatewayPrincipal(given), expiresAtMs: null };
    },
    forget: (tokenId) => void remembered.delete(tokenId),
    stillValid: async (tokenId) => {
      if (tokenId.startsWith(GATEWAY_PREFIX))
        return usable().some((hash) => gatewayTokenId(hash) === tokenId);
      const record = await readRecord(redis, tokenId);
      return record !== undefined && (record.expiresAtMs ?? Infinity) > now();
    },
  };
}

async function readRecord(redis: Redis, id: string): Promise<TokenRecord | undefined> {
  const json = await redis.get(authKeys.token(id)).catch((cause: unknown) => {
    throw new AppError('UNAVAILABLE', 'tokens cannot be verified at the moment; try again', {
      cause,
      retryAfterMs: 1_000,
    });
  });
  return json === null ? undefined : TokenRecord.parse(JSON.parse(json));
}

function judge(record: TokenRecord | undefined, hash: Buffer, nowMs: number): Verdict {
  const same = timingSafeEqual(hash, Buffer.from(record?.hash ?? '0'.repeat(64), 'hex'));
  if (!record || !same) return { ok: false, reason: 'token_mismatch' };
  if (record.expiresAtMs !== null && record.expiresAtMs <= nowMs)
    return { ok: false, reason: 'token_expired' };
  const scopes = record.scopes.filter((scope) => ROLE_SCOPES[record.role].includes(scope));
  const principal: Principal = {
    userId: record.userId,
    kind: 'user',
    roles: [record.role],
    scopes,
    tokenId: record.id,
  };
  return { ok: true, principal, expiresAtMs: record.expiresAtMs };
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
