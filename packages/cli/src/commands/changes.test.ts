import { Refusal } from '@moltbot/client/testing';
import { describe, expect, test } from 'vitest';
import { bench } from '../testing/command-line.ts';

const CONFIG = {
  path: '/etc/moltbot/moltbot.json',
  valid: true,
  hash: 'h1',
  issues: [],
  parsed: { agents: { defaults: { maxConcurrent: 4 } } },
  config: { agents: { defaults: { maxConcurrent: 4 } } },
};

describe('changing', () => {
  const asked = (t: Awaited<ReturnType<typeof bench>>, method: string) =>
    t.gateway.requests.find((r) => r.method === method)?.params;

  test('config set sends the smallest patch with the hash it read', async () => {
    await using t = await bench({
      'config.get': () => CONFIG,
      'config.patch': () => ({ ok: true, path: CONFIG.path }),
    });
    const outcome = await t.moltbot('config', 'set', 'agents.defaults.maxConcurrent', '16');
    expect(outcome).toMatchObject({
      code: 0,
      out: 'Updated agents.defaults.maxConcurrent. Applied without a restart.\n',
    });
    expect(asked(t, 'config.patch')).toEqual({
      raw: '{"agents":{"defaults":{"maxConcurrent":16}}}',
      baseHash: 'h1',
    });
  });

  test('config unset removes what is there, and only that', async () => {
    await using t = await bench({
      'config.get': () => CONFIG,
      'config.patch': () => ({ ok: true, path: CONFIG.path }),
    });
    expect((await t.moltbot('config', 'unset', 'agents.defaults.maxConcurrent')).out).toContain(
      'Removed agents.defaults.maxConcurrent.',
    );
    expect(asked(t, 'config.patch')).toMatchObject({ raw: '{"agents":{"defaults":{"maxConcurrent":null}}}' });
    expect(await t.moltbot('config', 'unset', 'logging.level')).toMatchObject({
      code: 1,
      err: expect.stringContaining('Config path not found: logging.level'),
    });
  });

  test('a value the gateway refuses is named with its path', async () => {
    const error = {
      code: 'INVALID_REQUEST',
      message: 'invalid config',
      details: { issues: [{ path: 'gateway.port', message: 'too big' }] },
    };
    await using t = await bench({
      'config.get': () => CONFIG,
      'config.patch': () => Promise.reject(new Refusal(error)),
    });
    const outcome = await t.moltbot('config', 'set', 'gateway.port', '99999');
    expect(outcome).toMatchObject({
      code: 1,
      err: expect.stringContaining('Config validation failed: gateway.port: too big'),
    });
  });

  test('config get of nothing ends with 1', async () => {
    await using t = await bench({ 'config.get': () => CONFIG });
    expect(await t.moltbot('config', 'get', 'a.b')).toMatchObject({
      code: 1,
      err: expect.stringContaining('Config path not found: a.b'),
    });
  });

  test('a new token is alone on standard output', async () => {
    await using t = await bench({
      'tokens.create': ({ userId }) => ({ id: 'i1', token: `mbt_${String(userId)}`, expiresAtMs: null }),
    });
    const outcome = await t.moltbot(
      'tokens',
      'create',
      '--user',
      'alice',
      '--scopes',
      'operator.read, operator.write',
      '--expires-in-days',
      '90',
    );
    expect(outcome).toMatchObject({
      code: 0,
      out: 'mbt_alice\n',
      err: expect.stringContaining('cannot be shown again'),
    });
    expect(asked(t, 'tokens.create')).toEqual({
      userId: 'alice',
      scopes: ['operator.read', 'operator.write'],
      expiresInDays: 90,
    });
  });

  test('a token that is not there cannot be revoked', async () => {
    await using t = await bench({ 'tokens.revoke': ({ id }) => ({ ok: true, revoked: id === 'i1' }) });
    expect((await t.moltbot('tokens', 'revoke', 'i1')).code).toBe(0);
    expect(await t.moltbot('tokens', 'revoke', 'i2')).toMatchObject({
      code: 1,
      err: expect.stringContaining('no such token: i2'),
    });
  });
});
