import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startHttpProduct, type HttpProduct } from '../support/http-product.ts';

let product: HttpProduct;
beforeAll(async () => {
  product = await startHttpProduct();
});
afterAll(() => product[Symbol.asyncDispose]());

const says = (content: unknown): object[] => [{ role: 'user', content }];
const CHAT = { model: 'moltbot', messages: says('#echo hello') };
const RESPONSE = { model: 'moltbot', input: '#echo hello' };
const MESSAGE = { model: 'moltbot', max_tokens: 100, messages: says('#echo hello') };
const DOORS = [
  ['/v1/chat/completions', CHAT],
  ['/v1/responses', RESPONSE],
  ['/v1/messages', MESSAGE],
  ['/tools/invoke', { tool: 'agents_list' }],
] as const;

describe.each(DOORS)('%s', (path, body) => {
  test('lets a request with the token in', async () => {
    const response = await product.post(path, body);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('application/json');
  });

  test.each([
    ['no token', ''],
    ['a wrong token', 'Bearer wrong'],
    ['half of the token', 'Bearer integration-test'],
    ['another scheme', `Basic ${Buffer.from('a:b').toString('base64')}`],
  ])('C-1: refuses %s', async (_what, authorization) => {
    const response = await product.post(path, body, { authorization });
    expect(response.status).toBe(401);
    const type = path === '/v1/messages' ? 'authentication_error' : 'unauthorized';
    expect(await response.json()).toMatchObject({ error: { message: 'Unauthorized', type } });
  });

  test('refuses what is not JSON, and says so', async () => {
    const response = await product.post(path, '{"model": ');
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { type: 'invalid_request_error', message: expect.stringMatching(/^SyntaxError: /) },
    });
  });

  test.each(['GET', 'PUT', 'DELETE', 'OPTIONS'])('is for POST alone, not %s', async (method) => {
    const response = await fetch(`${product.standalone.url}${path}`, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
    expect(await response.text()).toBe('Method Not Allowed');
  });

  test('reads JSON whatever the content type says', async () => {
    const response = await product.post(path, body, { 'content-type': 'application/x-www-form-urlencoded' });
    expect(response.status).toBe(200);
  });
});

test.each([
  ['/v1/chat/completions', 1_048_576],
  ['/v1/responses', 20 * 1_048_576],
  ['/v1/messages', 8 * 1_048_576],
  ['/tools/invoke', 2 * 1_048_576],
])('%s refuses more than %i bytes with 413', async (path, limit) => {
  const response = await product.post(path, JSON.stringify({ padding: 'x'.repeat(limit) }));
  expect(response.status).toBe(413);
  const type = path === '/v1/messages' ? 'request_too_large' : 'invalid_request_error';
  expect(await response.json()).toMatchObject({
    error: { type, message: `request body is larger than ${limit} bytes` },
  });
});

test.each(['/v1/responses/resp_1/input_items', '/v1/messages/count_tokens', '/v1/embeddings'])(
  '%s is not served, and says so in JSON',
  async (path) => {
    const [got, posted] = [await fetch(`${product.standalone.url}${path}`), await product.post(path, {})];
    for (const response of [got, posted]) {
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ error: { message: `${path} is not served` } });
    }
  },
);

test.each([
  ['/v1/responses/resp_1', 'GET', ['POST', 'DELETE', 'PUT']],
  ['/v1/responses/resp_1/cancel', 'POST', ['GET', 'DELETE']],
])('%s is for %s alone, with a token', async (path, method, others) => {
  const ask = async (by: string): Promise<Response> =>
    fetch(`${product.standalone.url}${path}`, { method: by });
  expect((await ask(method)).status).toBe(401);
  for (const other of others) {
    const response = await ask(other);
    expect([response.status, response.headers.get('allow')]).toEqual([405, method]);
  }
});

describe('agents', () => {
  test.each(DOORS.slice(0, 3))('%s knows no agent that is not configured', async (path, body) => {
    const byModel = await product.post(path, { ...body, model: 'moltbot:nobody' });
    const byHeader = await product.post(path, body, { 'x-clawdbot-agent-id': 'nobody' });
    for (const response of [byModel, byHeader]) {
      expect(response.status).toBe(404);
      expect(JSON.stringify(await response.json())).toContain('unknown agent id \\"nobody\\"');
    }
  });

  test('are named by the model or by a header', async () => {
    const listed = async (): Promise<string[]> => {
      const response = await product.post('/tools/invoke', { tool: 'sessions_list' });
      const { result } = (await response.json()) as { result: { details: { sessions: { key: string }[] } } };
      return result.details.sessions.map(({ key }) => key);
    };
    const user = crypto.randomUUID();
    await product.post('/v1/chat/completions', { ...CHAT, user, model: 'moltbot/second' });
    expect(await listed()).toContain(`agent:second:openai-user:${user}`);
    await product.post('/v1/responses', { ...RESPONSE, user }, { 'x-openclaw-agent-id': 'second' });
    expect(await listed()).toContain(`agent:second:openresponses-user:${user}`);
  });
});

describe('what an endpoint cannot do, it says before it starts', () => {
  const RESPONSES_REFUSED: [string, object, RegExp][] = [
    ['no input', { input: [] }, /^Missing user message in `input`\.$/],
    ['no model', { model: undefined }, /^model: /],
    ['too much metadata', { metadata: { note: 'x'.repeat(513) } }, /metadata/],
    ['a stored prompt', { prompt: { id: 'p' } }, /prompt/],
    ['a conversation', { conversation: 'c' }, /conversation/],
    ['structured output', { text: { format: { type: 'json_schema' } } }, /text\.format/],
    ['a hosted tool', { tools: [{ type: 'web_search' }] }, /^tools\.0: /],
    ['an unknown previous response', { previous_response_id: 'resp_x' }, /not found/],
    [
      'an address of an image',
      { input: says([{ type: 'input_image', image_url: 'https://x.test/a.png' }]) },
      /not fetched/,
    ],
    [
      'a PDF',
      { input: says([{ type: 'input_file', file_data: Buffer.from('%PDF-1.7').toString('base64') }]) },
      /only text files/,
    ],
  ];
  test.each(RESPONSES_REFUSED)('/v1/responses: %s', async (_what, change, message) => {
    const response = await product.post('/v1/responses', { ...RESPONSE, stream: true, ...change });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { type: 'invalid_request_error', message: expect.stringMatching(message) },
    });
  });

  const MESSAGES_REFUSED: [string, object, RegExp][] = [
    ['no message', { messages: [] }, /^Missing user message in `messages`\.$/],
    ['no max_tokens', { max_tokens: undefined }, /^max_tokens: /],
    [
      'a prefilled answer',
      { messages: [...says('x'), { role: 'assistant', content: 'I' }] },
      /cannot be prefilled/,
    ],
    ['a server tool', { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, /^tools\.0: /],
    ['too little thinking', { thinking: { type: 'enabled', budget_tokens: 10 } }, /budget_tokens/],
  ];
  test.each(MESSAGES_REFUSED)('/v1/messages: %s', async (_what, change, message) => {
    const response = await product.post('/v1/messages', { ...MESSAGE, stream: true, ...change });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      type: 'error',
      error: { type: 'invalid_request_error', message: expect.stringMatching(message) },
    });
  });
});
