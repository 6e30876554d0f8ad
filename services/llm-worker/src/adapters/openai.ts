import OpenAI from 'openai';
import type { ContentBlock, ContextMessage } from '@moltbot/shared/contracts';
import type { CatalogModel } from '@moltbot/config';
import { blockText, textOf } from '../domain/blocks.ts';
import {
  brokenOff,
  grownArguments,
  NO_TOKENS,
  ProviderError,
  type AskModel,
  type ModelCall,
  type ModelEvent,
  type ModelStop,
  type TokenCounts,
} from '../domain/model.ts';
import type { ProviderLimits } from './anthropic.ts';
import { withStallLimit } from './stall.ts';

/** Any Chat Completions API (`openai-completions`) through the openai package. */
export function openaiModel(model: CatalogModel, apiKey: string, limits: ProviderLimits): AskModel {
  const client = new OpenAI({
    baseURL: model.baseUrl,
    apiKey,
    defaultHeaders: model.headers,
    maxRetries: limits.maxRetries,
    timeout: limits.connectTimeoutMs,
    logLevel: 'off',
  });
  return async function* ask(call, signal) {
    const stall = withStallLimit(signal, limits.stallMs);
    try {
      const stream = await client.chat.completions.create(openaiRequest(call, model), {
        signal: stall.signal,
      });
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

function openaiRequest(call: ModelCall, model: CatalogModel): OpenAI.ChatCompletionCreateParamsStreaming {
  const system: OpenAI.ChatCompletionMessageParam[] =
    call.system === '' ? [] : [{ role: 'system', content: call.system }];
  const effort =
    model.entry.reasoning === true && ['minimal', 'low', 'medium', 'high'].includes(call.thinking);
  return {
    model: model.entry.id,
    stream: true,
    stream_options: { include_usage: true },
    max_completion_tokens: call.maxTokens,
    messages: [...system, ...call.messages.flatMap(toMessages)],
    ...(effort && { reasoning_effort: call.thinking as 'low' }),
    ...(call.tools.length > 0 && { tools: call.tools.map(toTool) }),
    ...(call.tools.length > 0 && call.toolChoice !== undefined && { tool_choice: call.toolChoice as 'auto' }),
    ...(model.params['temperature'] !== undefined && { temperature: Number(model.params['temperature']) }),
  };
}

function toTool(tool: ModelCall['tools'][number]): OpenAI.ChatCompletionTool {
  const description = tool.description === undefined ? {} : { description: tool.description };
  return { type: 'function', function: { name: tool.name, ...description, parameters: tool.inputSchema } };
}

function toMessages(message: ContextMessage): OpenAI.ChatCompletionMessageParam[] {
  const results = message.content.filter((block) => block.type === 'toolResult');
  const rest = message.content.filter((block) => block.type !== 'toolResult');
  const out: OpenAI.ChatCompletionMessageParam[] = results.map((block) => ({
    role: 'tool',
    tool_call_id: String(block['toolCallId']),
    content: blockText(block),
  }));
  if (rest.length > 0)
    out.push(message.role === 'user' ? { role: 'user', content: rest.map(toPart) } : toAssistant(rest));
  return out;
}

function toPart(block: ContentBlock): OpenAI.ChatCompletionContentPart {
  if (block.type !== 'image') return { type: 'text', text: blockText(block) };
  return {
    type: 'image_url',
    image_url: { url: `data:${String(block['mimeType'])};base64,${String(block['data'])}` },
  };
}

function toAssistant(blocks: readonly ContentBlock[]): OpenAI.ChatCompletionAssistantMessageParam {
  const calls = blocks.filter((block) => block.type === 'toolCall');
  const text = textOf(blocks);
  return {
    role: 'assistant',
    content: text === '' ? null : text,
    ...(calls.length > 0 && {
      tool_calls: calls.map((block) => ({
        id: String(block['id']),
        type: 'function' as const,
        function: { name: String(block['name']), arguments: JSON.stringify(block['arguments'] ?? {}) },
      })),
    }),
  };
}

type ToolDraft = { id: string; name: string; json: string };
type Draft = {
  text: string;
  calls: Map<number, ToolDraft>;
  usage: TokenCounts;
  ended: string | undefined;
  refused: boolean;
};

const STOPS: Readonly<Record<string, ModelStop>> = { stop: 'stop', length: 'length', tool_calls: 'toolUse' };

async function* readStream(
  stream: AsyncIterable<OpenAI.ChatCompletionChunk>,
  alive: () => void,
): AsyncGenerator<ModelEvent> {
  const draft: Draft = { text: '', calls: new Map(), usage: NO_TOKENS, ended: undefined, refused: false };
  for await (const chunk of stream) {
    alive();
    if (chunk.usage) {
      draft.usage = counts(chunk.usage);
      yield { type: 'usage', usage: draft.usage };
    }
    const choice = chunk.choices[0];
    if (!choice) continue;
    if (choice.finish_reason) draft.ended = choice.finish_reason;
    if (choice.delta.refusal) draft.refused = true;
    for (const part of choice.delta.tool_calls ?? []) growCall(draft.calls, part);
    const text = choice.delta.content;
    if (!text) continue;
    draft.text += text;
    yield { type: 'text', text };
  }
  const stop = stopOf(draft);
  yield { type: 'done', content: finish(draft), usage: draft.usage, stop };
}

function stopOf({ ended, refused }: Draft): ModelStop {
  if (ended === undefined) throw new ProviderError('the provider cut its answer off');
  const stop = refused ? undefined : STOPS[ended];
  if (stop === undefined) throw brokenOff(refused ? 'refusal' : ended);
  return stop;
}

function growCall(
  calls: Map<number, ToolDraft>,
  part: OpenAI.ChatCompletionChunk.Choice.Delta.ToolCall,
): void {
  const call = calls.get(part.index) ?? { id: '', name: '', json: '' };
  calls.set(part.index, {
    id: call.id + (part.id ?? ''),
    name: call.name + (part.function?.name ?? ''),
    json: grownArguments(call.json, part.function?.arguments ?? ''),
  });
}

function finish(draft: Draft): ContentBlock[] {
  const text = draft.text === '' ? [] : [{ type: 'text', text: draft.text }];
  const calls = [...draft.calls.values()].map(({ id, name, json }) => {
    try {
      return { type: 'toolCall', id, name, arguments: json === '' ? {} : (JSON.parse(json) as unknown) };
    } catch (cause) {
      throw new ProviderError('the provider sent a tool call that is not JSON', { cause });
    }
  });
  return [...text, ...calls];
}

/** OpenAI counts cached tokens among the input; the ledger keeps them apart. */
function counts(usage: OpenAI.CompletionUsage): TokenCounts {
  const cacheRead = usage.prompt_tokens_details?.cached_tokens ?? 0;
  return {
    input: usage.prompt_tokens - cacheRead,
    output: usage.completion_tokens,
    cacheRead,
    cacheWrite: 0,
  };
}

function explain(cause: unknown, provider: string): unknown {
  if (cause instanceof ProviderError || cause instanceof OpenAI.APIUserAbortError) return cause;
  if (cause instanceof OpenAI.APIConnectionTimeoutError)
    return new ProviderError(`${provider} did not answer in time`, { cause });
  if (cause instanceof OpenAI.APIError && typeof cause.status === 'number')
    return new ProviderError(
      `${provider} refused the request (${cause.status}): ${cause.message.slice(0, 300)}`,
      { cause, status: cause.status },
    );
  if (cause instanceof OpenAI.APIConnectionError)
    return new ProviderError(`${provider} cannot be reached`, { cause });
  // an error event in the middle of a stream has words and no status
  if (cause instanceof OpenAI.APIError && cause.error !== undefined)
    return new ProviderError(`${provider} failed: ${cause.message.slice(0, 300)}`, { cause });
  return new ProviderError(`${provider} sent an answer that cannot be read`, { cause });
}
