import { randomUUID } from 'node:crypto';
import { createNodeClient } from '@moltbot/client/node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startHttpProduct, type HttpProduct } from '../support/http-product.ts';

let product: HttpProduct;
let alice: Record<string, string>;
let bob: Record<string, string>;
beforeAll(async () => {
  product = await startHttpProduct();
  alice = await employee('alice');
  bob = await employee('bob');
});
afterAll(() => product[Symbol.asyncDispose]());

/** What an administrator asks the gateway for. */
async function asAdmin<T>(method: string, params: object): Promise<T> {
  const { wsUrl, token } = product.standalone;
  const about = { id: 'cli', mode: 'cli', version: '0.0.0', platform: 'test' } as const;
  const admin = createNodeClient({ url: wsUrl, token, client: about, scopes: ['operator.admin'] });
  return await admin.request<T>(method, params).finally(() => admin.close());
}

type Made = Readonly<{ id: string; token: string }>;
const bearer = ({ token }: Made): Record<string, string> => ({ authorization: `Bearer ${token}` });

/** The headers of somebody with a token of their own. */
async function employee(userId: string, held: object = {}): Promise<Record<string, string>> {
  return bearer(await asAdmin<Made>('tokens.create', { userId, ...held }));
}

const content = async (response: Response): Promise<string> => JSON.stringify(await response.json());

describe('the same name is another session for another user', () => {
  test.each([
    [
      '/v1/chat/completions',
      (text: string, name: string) => ({ user: name, messages: [{ role: 'user', content: text }] }),
    ],
    ['/v1/responses', (text: string, name: string) => ({ user: name, input: text })],
    [
      '/v1/messages',
      (text: string, name: string) => ({
        max_tokens: 500,
        metadata: { user_id: name },
        messages: [{ role: 'user', content: text }],
      }),
    ],
  ])('%s', async (path, body) => {
    const name = randomUUID();
    const say = async (text: string, who: Record<string, string>): Promise<string> =>
      await content(await product.post(path, { model: 'moltbot', ...body(text, name) }, who));
    await say('my word is heliotrope', alice);
    expect(await say('#history', bob)).not.toContain('heliotrope');
    expect(await say('#history', alice)).toContain('heliotrope');
  });

  test('a session key in a header', async () => {
    const key = { 'x-moltbot-session-key': randomUUID() };
    const say = async (text: string, who: Record<string, string>): Promise<string> =>
      await content(
        await product.post('/v1/responses', { model: 'moltbot', input: text }, { ...who, ...key }),
      );
    await say('my word is heliotrope', alice);
    expect(await say('#history', bob)).not.toContain('heliotrope');
    expect(await say('#history', alice)).toContain('heliotrope');
  });
});

test('the id of a response opens nothing to another user', async () => {
  const first = await product.post('/v1/responses', { model: 'moltbot', input: 'my word is ochre' }, alice);
  const { id } = (await first.json()) as { id: string };
  const body = { model: 'moltbot', input: '#history', previous_response_id: id };
  const stranger = await product.post('/v1/responses', body, bob);
  expect(stranger.status).toBe(400);
  expect(await content(stranger)).toContain('not found');
  expect(await content(await product.post('/v1/responses', body, alice))).toContain('ochre');
});

test('an idempotency key is its user’s own', async () => {
  const key = { 'idempotency-key': randomUUID() };
  const body = (text: string): object => ({
    model: 'moltbot',
    messages: [{ role: 'user', content: `#echo ${text}` }],
  });
  const first = await product.post('/v1/chat/completions', body('for alice'), { ...alice, ...key });
  const second = await product.post('/v1/chat/completions', body('for bob'), { ...bob, ...key });
  expect(await content(first)).toContain('for alice');
  expect(await content(second)).toContain('for bob');
});

test('tools see the sessions of their caller alone', async () => {
  const name = randomUUID();
  const body = { model: 'moltbot', messages: [{ role: 'user', content: '#echo private' }] };
  await product.post('/v1/chat/completions', body, { ...alice, 'x-moltbot-session-key': name });
  const invoke = async (who: Record<string, string>, tool: string, args = {}): Promise<Response> =>
    await product.post('/tools/invoke', { tool, args }, who);

  expect(await content(await invoke(alice, 'sessions_list'))).toContain(name);
  expect(await content(await invoke(bob, 'sessions_list'))).not.toContain(name);
  for (const tool of ['sessions_history', 'session_status']) {
    expect((await invoke(alice, tool, { sessionKey: name })).status).toBe(200);
    expect((await invoke(bob, tool, { sessionKey: name })).status).toBe(400);
  }
});

describe('a token that may not', () => {
  const messages = [{ role: 'user', content: '#echo hello' }];
  const REFUSED: [string, object, object][] = [
    ['/v1/chat/completions', { messages }, { error: { type: 'forbidden', code: 'forbidden' } }],
    ['/v1/responses', { input: '#echo hello' }, { error: { type: 'forbidden', code: 'forbidden' } }],
    ['/v1/messages', { messages, max_tokens: 50 }, { type: 'error', error: { type: 'permission_error' } }],
  ];
  test.each(REFUSED)('write starts no turn on %s', async (path, body, shape) => {
    const auditor = await employee('audrey', { role: 'auditor' });
    const response = await product.post(path, { model: 'moltbot', ...body }, auditor);
    expect(response.status).toBe(403);
    const said: unknown = await response.json();
    expect(said).toMatchObject(shape);
    expect(said).toMatchObject({ error: { message: 'missing scope: operator.write' } });
  });

  test('read sees neither models nor tools', async () => {
    const blind = await employee('basil', { role: 'operator', scopes: ['operator.pairing'] });
    const models = await fetch(`${product.standalone.url}/v1/models`, { headers: blind });
    const tools = await product.post('/tools/invoke', { tool: 'agents_list' }, blind);
    expect([models.status, tools.status]).toEqual([403, 403]);
    expect(await tools.json()).toMatchObject({
      error: { type: 'forbidden', message: 'missing scope: operator.read' },
    });
  });

  test('write still reads', async () => {
    const auditor = await employee('audrey', { role: 'auditor' });
    expect((await product.post('/tools/invoke', { tool: 'agents_list' }, auditor)).status).toBe(200);
  });
});

describe('a token that is revoked while it is answered', () => {
  const REVOKED = [
    ['streamed', true],
    ['whole', false],
  ] as const;
  test.each(REVOKED)('is answered no further, %s, and its run ends', async (_how, stream) => {
    const made = await asAdmin<Made>('tokens.create', { userId: 'carol' });
    const marker = randomUUID();
    const messages = [{ role: 'user', content: `#tokens 400 #delay 50 ${marker}` }];
    const body = { model: 'moltbot', stream, messages };
    const read = async (): Promise<string> =>
      await (await product.post('/v1/chat/completions', body, bearer(made))).text();
    const answered = read().then(
      () => 'answered',
      () => 'broken off',
    );
    const request = await product.asked(marker);
    await asAdmin('tokens.revoke', { id: made.id });
    expect(await answered).toBe('broken off');
    await expect.poll(() => request.outcome, { timeout: 10_000 }).toBe('aborted');
  });

  test('leaves another token of the same user alone', async () => {
    const [gone, kept] = [
      await asAdmin<Made>('tokens.create', { userId: 'dora' }),
      await asAdmin<Made>('tokens.create', { userId: 'dora' }),
    ];
    const marker = randomUUID();
    const messages = [{ role: 'user', content: `#tokens 40 #delay 20 ${marker}` }];
    const answered = product.post('/v1/chat/completions', { model: 'moltbot', messages }, bearer(kept));
    await product.asked(marker);
    await asAdmin('tokens.revoke', { id: gone.id });
    expect(await content(await answered)).toContain('t1 t2');
  });
});
