import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startHttpProduct, type HttpProduct } from '../support/http-product.ts';

const PATH = '/tools/invoke';

let product: HttpProduct;
beforeAll(async () => {
  product = await startHttpProduct();
});
afterAll(() => product[Symbol.asyncDispose]());

type Session = { key: string; kind: string; sessionId: string; totalTokens: number };
type Result = { content: { type: string; text: string }[]; details: Record<string, unknown> };

async function invoke(tool: string, args?: object, sessionKey?: string): Promise<Result> {
  const response = await product.post(PATH, { tool, args, sessionKey });
  expect(response.status).toBe(200);
  const { ok, result } = (await response.json()) as { ok: boolean; result: Result };
  expect(ok).toBe(true);
  return result;
}

/** Says something in a session, which makes it. */
async function talk(sessionKey: string, content: string): Promise<void> {
  const body = { model: 'moltbot', messages: [{ role: 'user', content }] };
  const response = await product.post('/v1/chat/completions', body, { 'x-moltbot-session-key': sessionKey });
  expect(response.status).toBe(200);
}

describe('the tools', () => {
  test('session_status tells the model and the session', async () => {
    const { content, details } = await invoke('session_status');
    expect(details).toMatchObject({ ok: true, sessionKey: 'agent:main:main', changedModel: false });
    expect(content).toEqual([{ type: 'text', text: details['statusText'] }]);
    expect(details['statusText']).toContain('watched/demo-1');
  });

  test('sessions_list lists sessions as pretty JSON and as data', async () => {
    const name = randomUUID();
    await talk(name, '#echo listed');
    const { content, details } = await invoke('sessions_list');
    expect(content[0]?.text).toBe(JSON.stringify(details, null, 2));
    const sessions = details['sessions'] as Session[];
    expect(details['count']).toBe(sessions.length);
    const own = sessions.find(({ key }) => key === `agent:main:${name}`);
    expect(own).toMatchObject({ kind: 'other', channel: 'webchat', sessionId: expect.any(String) });
    expect(own?.totalTokens).toBeGreaterThan(0);
  });

  test('sessions_list filters by kind and by number', async () => {
    await talk('main', '#echo main');
    await talk(randomUUID(), '#echo other');
    const main = (await invoke('sessions_list', { kinds: ['main'] })).details['sessions'] as Session[];
    expect(main.map(({ key }) => key)).toEqual(['agent:main:main']);
    expect((await invoke('sessions_list', { limit: 1 })).details['count']).toBe(1);
  });

  test('sessions_history tells what was said', async () => {
    const name = randomUUID();
    await talk(name, '#echo remembered');
    const { details } = await invoke('sessions_history', { sessionKey: name });
    expect(details['sessionKey']).toBe(name);
    expect(details['messages']).toMatchObject([
      { role: 'user', content: [{ type: 'text', text: '#echo remembered' }] },
      { role: 'assistant', content: [{ type: 'text', text: 'remembered' }] },
    ]);
  });

  test('agents_list lists the configured agents', async () => {
    const { details } = await invoke('agents_list', undefined, 'agent:second:main');
    const agents = ['main', 'second'].map((id) => ({ id, configured: true }));
    expect(details).toEqual({ requester: 'second', allowAny: false, agents });
  });
});

describe('refusals', () => {
  test.each([[{}], [{ tool: '' }], [{ tool: 7 }], [[]]])('%j names no tool', async (body) => {
    const response = await product.post(PATH, body);
    expect(response.status).toBe(400);
    const error = { message: 'tools.invoke requires body.tool', type: 'invalid_request_error' };
    expect(await response.json()).toMatchObject({ error });
  });

  test.each(['exec', 'toString', '__proto__', 'SESSIONS_LIST'])('%s is not available', async (tool) => {
    const response = await product.post(PATH, { tool });
    expect(response.status).toBe(404);
    const error = { type: 'not_found', message: `Tool not available: ${tool}` };
    expect(await response.json()).toEqual({ ok: false, error });
  });

  test.each([
    ['sessions_history', {}, 'sessionKey required'],
    ['sessions_history', { sessionKey: 'never-used' }, 'Unknown sessionKey: never-used'],
    ['session_status', { sessionKey: 'never-used' }, 'Unknown sessionKey: never-used'],
    ['sessions_list', { kinds: ['nonsense'] }, 'kinds.0'],
  ])('%s with %j fails as a tool does', async (tool, args, message) => {
    const response = await product.post(PATH, { tool, args });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      ok: false,
      error: { type: 'tool_error', message: expect.stringContaining(message) },
    });
  });
});
