import { expect, test } from 'vitest';
import { z } from 'zod';
import { ConnectParams } from './connect-params.ts';
import { faultsOf, parseParams } from './validation.ts';

const Send = z.strictObject({
  sessionKey: z.string().min(1),
  message: z.string().min(1),
  timeoutMs: z.int().min(0).optional(),
});
const good = { sessionKey: 'main', message: 'hi' };

test.each([
  [{ ...good, more: 1 }, "at root: unexpected property 'more'"],
  [{ sessionKey: 'main' }, "must have required property 'message'"],
  [{ ...good, message: '' }, 'at /message: must NOT have fewer than 1 characters'],
  [{ ...good, timeoutMs: -1 }, 'at /timeoutMs: must be >= 0'],
  [{ ...good, timeoutMs: 1.5 }, 'at /timeoutMs: must be integer'],
  [7, 'at root: must be object'],
])('%j: the words that clients search for', (params, fault) => {
  expect(() => parseParams('chat.send', Send, params)).toThrow(`invalid chat.send params: ${fault}`);
});

test('every fault is told at once, each once', () => {
  expect(faultsOf(Send, { message: '', x: 1 })?.split('; ').sort()).toEqual([
    'at /message: must NOT have fewer than 1 characters',
    "at root: unexpected property 'x'",
    "must have required property 'sessionKey'",
  ]);
});

test('no params are an empty object', () => {
  expect(parseParams('status', z.strictObject({}), undefined)).toEqual({});
});

test('what only the schema itself can check is refused in the same form', () => {
  const Even = z.strictObject({ n: z.int().refine((n) => n % 2 === 0, 'must be even') });
  expect(() => parseParams('even', Even, { n: 3 })).toThrow('invalid even params: at /n: must be even');
});

test('a connect of each client upstream has is understood, a made-up property is named', () => {
  const connect = {
    minProtocol: 3,
    maxProtocol: 3,
    client: { id: 'cli', version: 'dev', platform: 'linux', mode: 'cli', instanceId: 'i' },
    role: 'operator',
    scopes: ['operator.admin'],
    caps: [],
    auth: { token: 't' },
  };
  expect(faultsOf(ConnectParams, connect)).toBeUndefined();
  expect(faultsOf(ConnectParams, { ...connect, client: { ...connect.client, colour: 'red' } })).toBe(
    "at /client: unexpected property 'colour'",
  );
});
