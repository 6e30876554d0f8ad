import Anthropic from '@anthropic-ai/sdk';
import type { ContentBlock } from '@moltbot/shared/contracts';
import type { CatalogModel } from '@moltbot/config';
import {
  brokenOff,
  grownArguments,
  NO_TOKENS,
  ProviderError,
  type AskModel,
  type ModelEvent,
  type ModelStop,
  type TokenCounts,
} from '../domain/model.ts';
import { anthropicRequest } from './anthropic-request.ts';
import { withStallLimit } from './stall.ts';

export type ProviderLimits = Readonly<{ maxRetries: number; connectTimeoutMs: number; stallMs: number }>;

/**
 * What every API compatible with Anthropic's understands. The SDK of today asks for a newer version and
 * sends the key as a bearer, which the others need not know; a provider's `headers` may say otherwise.
 */
const compatibleHeaders = (apiKey: string): Record<string, string | null> => ({
  'anthropic-version': '2023-06-01',
  'x-api-key': apiKey,
  authorization: null,
});
const BEARER_HEADERS = { 'anthropic-version': '2023-06-01' } as const;

/** The Messages API through its SDK, which retries 408, 409, 429 and 5xx with backoff and honours retry-after. */
export function anthropicModel(model: CatalogModel, apiKey: string, limits: ProviderLimits): AskModel {
  const client = new Anthropic({
    baseURL: model.baseUrl,
    ...(model.bearer ? { authToken: apiKey, apiKey: null } : { apiKey, authToken: null }),
    defaultHeaders: { ...(model.bearer ? BEARER_HEADERS : compatibleHeaders(apiKey)), ...model.headers },
    maxRetries: limits.maxRetries,
    timeout: limits.connectTimeoutMs,
    logLevel: 'off',
  });
  return async function* ask(call, signal) {
    const stall = withStallLimit(signal, limits.stallMs);
    try {
      const stream = await client.messages.create(anthropicRequest(call, model), { signal: stall.signal });
      stall.alive();
      yield* readStream(stream, stall.alive);
    } catch (cause) {
      throw stall.stalled()
        ? new ProviderError(`${model.provider} sent nothing for ${limits.stallMs / 1_000} s`, { cause })
        : explain(cause, model.provider);
    } finally {
      stall.end();
    }
  };
}

type Draft = {
  blocks: Map<number, Record<string, unknown> & { type: string }>;
  usage: TokenCounts;
  ended: string | undefined;
};

async function* readStream(
  stream: AsyncIterable<Anthropic.RawMessageStreamEvent>,
  alive: () => void,
): AsyncGenerator<ModelEvent> {
  const draft: Draft = { blocks: new Map(), usage: NO_TOKENS, ended: undefined };
  let complete = false;
  for await (const event of stream) {
    alive();
    if (event.type === 'message_stop') complete = true;
    const said = take(draft, event);
    if (said) yield said;
  }
  // @NOTE a connection that is cut cleanly ends the iteration without an error: only message_stop makes an answer whole
  if (!complete || draft.ended === undefined) throw new ProviderError('the provider cut its answer off');
  const stop = STOPS[draft.ended];
  if (stop === undefined) throw brokenOff(draft.ended);
  const content = [...draft.blocks.values()].map(finishBlock);
  yield { type: 'done', content, usage: draft.usage, stop };
}

function take(draft: Draft, event: Anthropic.RawMessageStreamEvent): ModelEvent | undefined {
  switch (event.type) {
    case 'message_start':
      draft.usage = counts(event.message.usage, NO_TOKENS);
      return { type: 'usage', usage: draft.usage };
    case 'content_block_start':
      draft.blocks.set(event.index, startBlock(event.content_block));
      return undefined;
    case 'content_block_delta':
      return grow(draft.blocks.get(event.index), event.delta);
    case 'message_delta':
      draft.usage = counts(event.usage, draft.usage);
      draft.ended = event.delta.stop_reason ?? draft.ended;
      return { type: 'usage', usage: draft.usage };
    default:
      return undefined;
  }
}

function startBlock(block: Anthropic.ContentBlock): Record<string, unknown> & { type: string } {
  if (block.type === 'tool_use') return { type: 'toolCall', id: block.id, name: block.name, json: '' };
  if (block.type === 'thinking')
    return { type: 'thinking', thinking: block.thinking, signature: block.signature };
  return { type: 'text', text: block.type === 'text' ? block.text : '' };
}

function grow(
  block: Record<string, unknown> | undefined,
  delta: Anthropic.RawContentBlockDelta,
): ModelEvent | undefined {
  if (block === undefined) throw new ProviderError('the provider sent a fragment of nothing');
  if (delta.type === 'text_delta') {
    block['text'] = String(block['text']) + delta.text;
    return { type: 'text', text: delta.text };
  }
  if (delta.type === 'thinking_delta') {
    block['thinking'] = String(block['thinking']) + delta.thinking;
    return { type: 'thinking', text: delta.thinking };
  }
  if (delta.type === 'signature_delta') block['signature'] = delta.signature;
  if (delta.type === 'input_json_delta')
    block['json'] = grownArguments(String(block['json']), delta.partial_json);
  return undefined;
}

function finishBlock(block: Record<string, unknown> & { type: string }): ContentBlock {
  if (block.type !== 'toolCall') return block;
  const { json, ...call } = block;
  try {
    return { ...call, arguments: json === '' ? {} : (JSON.parse(String(json)) as unknown) };
  } catch (cause) {
    throw new ProviderError('the provider sent a tool call that is not JSON', { cause });
  }
}

type ApiUsage = Readonly<{
  input_tokens: number | null;
  output_tokens: number;
  cache_read_input_tokens: number | null;
  cache_creation_input_tokens: number | null;
}>;

function counts(usage: ApiUsage, before: TokenCounts): TokenCounts {
  return {
    input: usage.input_tokens ?? before.input,
    output: usage.output_tokens ?? before.output,
    cacheRead: usage.cache_read_input_tokens ?? before.cacheRead,
    cacheWrite: usage.cache_creation_input_tokens ?? before.cacheWrite,
  };
}

const STOPS: Readonly<Record<string, ModelStop>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'toolUse',
};

/** The provider's words, which name no key; our own for everything else. */
function explain(cause: unknown, provider: string): unknown {
  if (cause instanceof ProviderError || cause instanceof Anthropic.APIUserAbortError) return cause;
  if (cause instanceof Anthropic.APIConnectionTimeoutError)
    return new ProviderError(`${provider} did not answer in time`, { cause });
  if (cause instanceof Anthropic.APIError && typeof cause.status === 'number')
    return new ProviderError(
      `${provider} refused the request (${cause.status}): ${detail(cause.error) ?? cause.message}`,
      { cause, status: cause.status },
    );
  if (cause instanceof Anthropic.APIConnectionError)
    return new ProviderError(`${provider} cannot be reached`, { cause });
  const said = cause instanceof Anthropic.APIError ? detail(cause.error) : undefined;
  return new ProviderError(
    said === undefined ? `${provider} sent an answer that cannot be read` : `${provider} failed: ${said}`,
    { cause },
  );
}

function detail(body: unknown): string | undefined {
  const message = (body as { error?: { message?: unknown } } | undefined)?.error?.message;
  return typeof message === 'string' ? message.slice(0, 300) : undefined;
}
