import type Anthropic from '@anthropic-ai/sdk';
import type { ContentBlock, ContextMessage } from '@moltbot/shared/contracts';
import type { CatalogModel } from '@moltbot/config';
import { blockText } from '../domain/blocks.ts';
import type { ModelCall } from '../domain/model.ts';
import { answerTokens, thinkingTokens } from '../domain/thinking.ts';

type Block = Anthropic.ContentBlockParam;

const PASSED_PARAMS = [
  'temperature',
  'top_p',
  'top_k',
  'stop_sequences',
  'service_tier',
  'metadata',
] as const;

/** The Messages API request of a call, with cache marks on the prefix that later turns share. */
export function anthropicRequest(
  call: ModelCall,
  model: CatalogModel,
): Anthropic.MessageCreateParamsStreaming {
  const cache = cacheControl(model.params['cacheControlTtl']);
  const thinking = thinkingTokens(call, model.entry);
  const messages = call.messages.map(toMessage);
  if (cache) markLast(messages, cache);
  // after the mark: no later turn shares a prefix that ends in half an answer
  if (call.prefix !== undefined) messages.push({ role: 'assistant', content: call.prefix });
  return {
    model: model.entry.id,
    max_tokens: answerTokens(call, model.entry),
    stream: true,
    messages,
    ...(call.system !== '' && {
      system: [{ type: 'text', text: call.system, ...(cache && { cache_control: cache }) }],
    }),
    ...(thinking > 0 && { thinking: { type: 'enabled', budget_tokens: thinking } }),
    ...(call.tools.length > 0 && { tools: call.tools.map(toTool) }),
    ...(call.tools.length > 0 &&
      call.toolChoice !== undefined && { tool_choice: toToolChoice(call.toolChoice) }),
    ...passed(model.params),
  };
}

function cacheControl(ttl: unknown): Anthropic.CacheControlEphemeral | undefined {
  return ttl === '5m' || ttl === '1h' ? { type: 'ephemeral', ttl } : undefined;
}

function passed(params: Readonly<Record<string, unknown>>): Partial<Anthropic.MessageCreateParamsStreaming> {
  return Object.fromEntries(
    PASSED_PARAMS.filter((name) => params[name] !== undefined).map((name) => [name, params[name]]),
  );
}

function toMessage(message: ContextMessage): Anthropic.MessageParam {
  return { role: message.role, content: message.content.map(toBlock) };
}

function toBlock(block: ContentBlock): Block {
  if (block.type === 'image') {
    const source = {
      type: 'base64',
      media_type: block['mimeType'] as 'image/png',
      data: String(block['data']),
    } as const;
    return { type: 'image', source };
  }
  if (block.type === 'toolCall')
    return {
      type: 'tool_use',
      id: String(block['id']),
      name: String(block['name']),
      input: block['arguments'] ?? {},
    };
  if (block.type === 'toolResult')
    return {
      type: 'tool_result',
      tool_use_id: String(block['toolCallId']),
      content: blockText(block),
    };
  return { type: 'text', text: blockText(block) };
}

/** The next turn repeats everything up to here, so its prefix is read from the cache. */
function markLast(messages: readonly Anthropic.MessageParam[], cache: Anthropic.CacheControlEphemeral): void {
  const content = messages.at(-1)?.content;
  const last = Array.isArray(content) ? content.at(-1) : undefined;
  if (last && 'type' in last && last.type !== 'thinking' && last.type !== 'redacted_thinking')
    Object.assign(last, { cache_control: cache });
}

function toTool(tool: ModelCall['tools'][number]): Anthropic.Tool {
  return {
    name: tool.name,
    ...(tool.description !== undefined && { description: tool.description }),
    input_schema: { type: 'object', ...tool.inputSchema },
  };
}

/** OpenAI's spellings: `auto`, `none`, `required`, or one function by name. */
function toToolChoice(choice: unknown): Anthropic.ToolChoice {
  if (choice === 'none') return { type: 'none' };
  if (choice === 'required') return { type: 'any' };
  const { name, function: named } = (choice ?? {}) as { name?: string; function?: { name?: string } };
  const tool = name ?? named?.name;
  return tool === undefined ? { type: 'auto' } : { type: 'tool', name: tool };
}
