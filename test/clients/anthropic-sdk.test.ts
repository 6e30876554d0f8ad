import Anthropic from '@anthropic-ai/sdk';
import { beforeAll, describe, expect, test } from 'vitest';
import { startProduct, type Product } from './support/product.ts';

let product: Product;
let anthropic: Anthropic;
beforeAll(async () => {
  product = await startProduct();
  anthropic = client(product.token);
  return () => product[Symbol.asyncDispose]();
});

const client = (authToken: string): Anthropic =>
  new Anthropic({ authToken, apiKey: null, baseURL: product.httpUrl, maxRetries: 0 });
const asking = (
  content: string,
): { model: string; max_tokens: number; messages: Anthropic.MessageParam[] } => ({
  model: 'moltbot',
  max_tokens: 1_000,
  messages: [{ role: 'user', content }],
});

test('messages.create answers whole', async () => {
  const message = await anthropic.messages.create(asking('#echo plain words'));
  expect(message).toMatchObject({
    type: 'message',
    role: 'assistant',
    content: [{ type: 'text', text: 'plain words' }],
    stop_reason: 'end_turn',
  });
  expect(message.usage.output_tokens).toBeGreaterThan(0);
});

test('the token may also come as an API key', async () => {
  const keyed = new Anthropic({ apiKey: product.token, baseURL: product.httpUrl, maxRetries: 0 });
  const message = await keyed.messages.create(asking('#echo keyed'));
  expect(message.content).toMatchObject([{ type: 'text', text: 'keyed' }]);
});

test('messages.stream reads the same under an idempotency key, when every event has an id', async () => {
  const headers = { 'Idempotency-Key': crypto.randomUUID() };
  for (const _again of [1, 2]) {
    const message = await anthropic.messages
      .stream(asking('#tokens 20 #delay 20'), { headers })
      .finalMessage();
    expect(message.content).toMatchObject([{ type: 'text', text: expect.stringMatching(/^t1 .* t20$/) }]);
  }
});

test('messages.stream gives pieces that make the whole text', async () => {
  const stream = anthropic.messages.stream(asking('#tokens 40 #delay 20'));
  const pieces: string[] = [];
  stream.on('text', (piece) => pieces.push(piece));
  const message = await stream.finalMessage();
  expect(pieces.length).toBeGreaterThan(2);
  expect(pieces.join('')).toBe(Array.from({ length: 40 }, (_, at) => `t${at + 1}`).join(' '));
  expect(message).toMatchObject({
    stop_reason: 'end_turn',
    content: [{ type: 'text', text: pieces.join('') }],
  });
});

test('the system prompt reaches the model', async () => {
  const message = await anthropic.messages.create({ ...asking('#system'), system: 'Answer in rhyme.' });
  expect(JSON.stringify(message.content)).toContain('Answer in rhyme.');
});

describe('what goes wrong becomes the error the SDK has for it', () => {
  test('a wrong token', async () => {
    const failure = client('wrong').messages.create(asking('hello'));
    await expect(failure).rejects.toThrow(Anthropic.AuthenticationError);
    await expect(failure).rejects.toMatchObject({ error: { error: { type: 'authentication_error' } } });
  });

  test('no message', async () => {
    const failure = anthropic.messages.create({ ...asking(''), messages: [] });
    await expect(failure).rejects.toThrow(Anthropic.BadRequestError);
  });

  test('a provider that fails in the middle of a stream', async () => {
    const stream = anthropic.messages.stream(asking('#tokens 20 #fault overloaded 3'));
    await expect(stream.finalMessage()).rejects.toThrow(Anthropic.APIError);
  });
});
