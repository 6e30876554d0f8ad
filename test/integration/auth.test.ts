import { randomUUID } from 'node:crypto';
import { createVerifier, internalClient, type InternalClient, type Verifier } from '@moltbot/gateway';
import { startAuth, type Auth } from '@moltbot/auth';
import { PERSONAL_TOKEN, SCOPES } from '@moltbot/shared/contracts';
import { authKeys } from '@moltbot/shared/redis';
import { createLogControl, DEFAULT_LOG_SETTINGS } from '@moltbot/shared/telemetry';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, inject, test } from 'vitest';
import { startRedis } from '../support/redis.ts';

const SECRET = 'the-same-secret-for-all-services-of-one';
const lines: string[] = [];
// unredacted, so that a secret in a log line would be seen here
const log = createLogControl('auth', { ...DEFAULT_LOG_SETTINGS, redact: false }, (line) =>
  lines.push(line),
).logger;

type Created = {
  id: string;
  token: string;
  userId: string;
  role: string;
  scopes: string[];
  expiresAtMs: number | null;
};
type Listed = { tokens: (Created & { lastUsedAtMs: number | null; label: string })[] };

let auth: Auth;
let ask: InternalClient;
let redis: Redis;

beforeAll(async () => {
  auth = await startAuth(
    {
      redisUrl: `unix://${inject('redisSocket')}`,
      http: { port: 0, host: '127.0.0.1' },
      internalSecret: SECRET,
    },
    { log },
  );
  ask = internalClient(auth.url, SECRET);
  redis = new Redis(inject('redisSocket'));
});
afterAll(async () => {
  redis.disconnect();
  await auth[Symbol.asyncDispose]();
});

const create = async (wish: object = {}): Promise<Created> =>
  (await ask.post('/internal/v1/tokens/create', {
    userId: `u-${randomUUID()}`,
    actor: 'gateway',
    ...wish,
  })) as Created;
const verifier = (now?: () => number, gatewayTokens: string[] = []): Verifier =>
  createVerifier({ redis, gatewayTokens: () => gatewayTokens, ...(now && { now }) });

/** Another replica: what it knows it hears from Redis. */
async function replica(): Promise<Verifier & AsyncDisposable> {
  const ears = new Redis(inject('redisSocket'));
  const own = verifier();
  await ears.subscribe(authKeys.revoked);
  ears.on('message', (_, id) => own.forget(id));
  return { ...own, [Symbol.asyncDispose]: () => Promise.resolve(ears.disconnect()) };
}

describe('directory', () => {
  test('a token is made, shown once, listed without its secret, and revoked', async ({ expect }) => {
    const created = await create({ label: ' my laptop ', role: 'operator', expiresInDays: 3 });
    expect(created.token).toMatch(PERSONAL_TOKEN);
    const { token, ...shown } = created;
    const { tokens } = (await ask.post('/internal/v1/tokens/list', { userId: created.userId })) as Listed;
    expect(tokens).toEqual([{ ...shown, label: 'my laptop', lastUsedAtMs: null }]);
    expect(JSON.stringify(tokens)).not.toContain('hash');
    expect(await ask.post('/internal/v1/tokens/revoke', { id: created.id, actor: 'root' })).toEqual({
      ok: true,
      revoked: true,
    });
    expect(await ask.post('/internal/v1/tokens/revoke', { id: created.id, actor: 'root' })).toEqual({
      ok: true,
      revoked: false,
    });
    expect(await ask.post('/internal/v1/tokens/list', { userId: created.userId })).toEqual({ tokens: [] });
    const told = lines
      .filter((line) => line.includes(created.id))
      .map((line) => (JSON.parse(line) as { msg: string }).msg);
    expect(told).toContain(`token created user:${created.userId}`);
    expect(told).toContain(`token revoked user:${created.userId}`);
    expect(lines.join('')).not.toContain(token.slice(17));
  });

  test('a token that is long past its time leaves the list', async ({ expect }) => {
    const created = await create({ expiresInDays: 1 });
    const kept = Number(await redis.call('PEXPIRETIME', authKeys.token(created.id)));
    expect(kept).toBeGreaterThan(created.expiresAtMs ?? Infinity);
    await redis.del(authKeys.token(created.id));
    expect(await ask.post('/internal/v1/tokens/list', { userId: created.userId })).toEqual({ tokens: [] });
    expect(await redis.zscore(authKeys.tokens, created.id)).toBeNull();
  });

  test.for([
    [{ scopes: ['operator.read', 'operator.admin'] }, 'the role member does not allow operator.admin'],
    [{ userId: 'gateway' }, 'reserved'],
    [{ userId: 'a:b' }, 'user id'],
    [{ role: 'root' }, 'role'],
    [{ expiresInDays: 0 }, 'expiresInDays'],
    [{ expiresInDays: 3_651 }, 'expiresInDays'],
    [{ actor: undefined }, 'actor'],
    [{ more: 1 }, 'more'],
  ] as const)('%j is refused and makes nothing', async ([wish, why], { expect }) => {
    const before = await redis.zcard(authKeys.tokens);
    await expect(create(wish)).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      message: expect.stringContaining(why) as string,
    });
    expect(await redis.zcard(authKeys.tokens)).toBe(before);
  });

  test('C-1: without the internal secret nothing is answered', async ({ expect }) => {
    for (const authorization of ['', 'Bearer ', `Bearer ${SECRET}x`, `Bearer ${SECRET.slice(1)}`, SECRET]) {
      const response = await fetch(`${auth.url}/internal/v1/tokens/list`, {
        method: 'POST',
        headers: { authorization },
      });
      expect(response.status).toBe(401);
    }
  });

  test('what is no JSON is refused as such', async ({ expect }) => {
    const headers = { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' };
    const response = await fetch(`${auth.url}/internal/v1/tokens/create`, {
      method: 'POST',
      headers,
      body: '{',
    });
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { error: { code: 'invalid_request' } },
    ]);
  });

  test('only hashes are in Redis', async ({ expect }) => {
    const created = await Promise.all(Array.from({ length: 5 }, () => create()));
    await Promise.all(created.map(({ token }) => verifier().verify(token)));
    const keys = await redis.keys('*');
    const dumps = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
    const everything = Buffer.concat(dumps.filter((dump) => dump !== null)).toString('latin1') + keys.join();
    for (const { id, token } of created) {
      expect(everything).toContain(id);
      expect(everything).not.toContain(token.slice(17));
    }
  });

  test('it says that it is ready, and counts what it decided', async ({ expect }) => {
    expect((await fetch(`${auth.url}/readyz`)).status).toBe(200);
    const metrics = await (await fetch(`${auth.url}/metrics`)).text();
    expect(metrics).toMatch(/moltbot_auth_token_decisions_total\{decision="created"\} \d+/);
  });
});

describe('verifier', () => {
  test('a personal token is its user, with its role and no more than its scopes', async ({ expect }) => {
    const { token, userId, id } = await create({ role: 'operator', scopes: ['operator.read'] });
    const principal = { userId, kind: 'user', roles: ['operator'], scopes: ['operator.read'], tokenId: id };
    expect(await verifier().verify(token)).toEqual({ ok: true, principal, expiresAtMs: null });
  });

  test('C-1: wrong, short, empty and foreign tokens open nothing', async ({ expect }) => {
    const own = verifier(Date.now, ['g'.repeat(32), 'short']);
    const { token, id } = await create();
    const other = await create();
    expect(await own.verify('')).toEqual({ ok: false, reason: 'token_missing' });
    const flipped = token.slice(0, -2) + (token.endsWith('AA') ? 'BB' : 'AA');
    const mixed = `mbt_${id}_${other.token.slice(17)}`;
    for (const wrong of [
      flipped,
      mixed,
      token.slice(0, -1),
      `${token}A`,
      'mbt_',
      'short',
      'g'.repeat(31),
      'g'.repeat(33),
      'undefined',
      `mbt_zzzzzzzzzzzz_${token.slice(17)}`,
    ])
      expect(await own.verify(wrong)).toEqual({ ok: false, reason: 'token_mismatch' });
    await own.verify(token);
    expect(await own.verify(flipped)).toEqual({ ok: false, reason: 'token_mismatch' });
  });

  test('both gateway tokens of a rotation are the service, until the list changes', async ({ expect }) => {
    const [old, next] = ['o'.repeat(40), 'n'.repeat(40)];
    let tokens = [old, next];
    const own = createVerifier({ redis, gatewayTokens: () => tokens });
    const service = {
      userId: 'gateway',
      kind: 'service',
      roles: ['admin'],
      scopes: [...SCOPES],
      tokenId: expect.stringMatching(/^gateway-[0-9a-f]{12}$/),
    };
    expect(await own.verify(old)).toEqual({ ok: true, principal: service, expiresAtMs: null });
    expect(await own.verify(next)).toMatchObject({ ok: true });
    tokens = [next];
    expect(await own.verify(old)).toEqual({ ok: false, reason: 'token_mismatch' });
  });

  test('an expired token says so, remembered or not; the secret still counts', async ({ expect }) => {
    const { token, expiresAtMs } = await create({ expiresInDays: 1 });
    let nowMs = (expiresAtMs ?? 0) - 1;
    const own = verifier(() => nowMs);
    expect(await own.verify(token)).toMatchObject({ ok: true, expiresAtMs });
    nowMs += 1;
    expect(await own.verify(token)).toEqual({ ok: false, reason: 'token_expired' });
    expect(await own.verify(`${token.slice(0, -2)}__`)).toEqual({ ok: false, reason: 'token_mismatch' });
  });

  test('C-2: a revoked token is refused on every replica at the bell', async ({ expect }) => {
    await using one = await replica();
    await using two = await replica();
    const { token, id } = await create();
    expect([await one.verify(token), await two.verify(token)]).toMatchObject([{ ok: true }, { ok: true }]);
    const revokedAtMs = Date.now();
    await ask.post('/internal/v1/tokens/revoke', { id, actor: 'root' });
    await expect
      .poll(async () => [await one.verify(token), await two.verify(token)], { interval: 5, timeout: 1_000 })
      .toMatchObject([{ ok: false }, { ok: false }]);
    expect(Date.now() - revokedAtMs).toBeLessThan(900);
  });

  test('C-2: where the bell is lost a revoked token is remembered for a second at most', async ({
    expect,
  }) => {
    let nowMs = Date.now();
    const deaf = verifier(() => nowMs);
    const { token, id } = await create();
    await deaf.verify(token);
    await ask.post('/internal/v1/tokens/revoke', { id, actor: 'root' });
    expect(await deaf.verify(token)).toMatchObject({ ok: true });
    nowMs += 1_000;
    expect(await deaf.verify(token)).toEqual({ ok: false, reason: 'token_mismatch' });
  });

  test('last use is noted, once a minute', async ({ expect }) => {
    let nowMs = 1_000_000;
    const own = verifier(() => nowMs);
    const { token, id } = await create();
    await own.verify(token);
    await expect.poll(() => redis.hget(authKeys.used, id)).toBe('1000000');
    nowMs += 59_999;
    await own.verify(token);
    nowMs += 1;
    await own.verify(token);
    await expect.poll(() => redis.hget(authKeys.used, id)).toBe('1060000');
    const { tokens } = (await ask.post('/internal/v1/tokens/list', {})) as Listed;
    expect(tokens.find((listed) => listed.id === id)?.lastUsedAtMs).toBe(1_060_000);
  });

  test('C-1: without Redis no personal token opens a door, and the directory says so', async ({ expect }) => {
    const server = await startRedis();
    await using own = await startAuth(
      { redisUrl: `unix://${server.socket}`, http: { port: 0, host: '127.0.0.1' }, internalSecret: SECRET },
      { log },
    );
    const asks = internalClient(own.url, SECRET);
    const { token } = (await asks.post('/internal/v1/tokens/create', {
      userId: 'alice',
      actor: 'root',
    })) as Created;
    const line = new Redis(server.socket, {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
      retryStrategy: () => 20,
    });
    line.on('error', () => undefined); // the server goes away on purpose
    await new Promise((resolve) => line.once('ready', resolve));
    const gone = createVerifier({ redis: line, gatewayTokens: () => ['g'.repeat(40)] });
    await server[Symbol.asyncDispose]();
    await expect(gone.verify(token)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(gone.verify('g'.repeat(40))).resolves.toMatchObject({ ok: true });
    await expect(asks.post('/internal/v1/tokens/list', {})).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect((await fetch(`${own.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${own.url}/livez`)).status).toBe(200);
    line.disconnect();
  });
});
