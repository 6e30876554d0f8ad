import type { Answer } from '../domain/answer.ts';
import type { PromptUsage } from '../domain/prompt-cache.ts';
import { signatureOf } from './content.ts';

/** What identifies one answer on the wire. */
export type MessageHead = Readonly<{ id: string; model: string; prompt: PromptUsage }>;

const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

export function errorBody(status: number, message: string, requestId: string): string {
  const type = ERROR_TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error');
  return JSON.stringify({ type: 'error', error: { type, message }, request_id: requestId });
}

function usageOf(prompt: PromptUsage, outputTokens: number): Record<string, unknown> {
  return {
    input_tokens: prompt.fresh,
    cache_creation_input_tokens: prompt.created,
    cache_read_input_tokens: prompt.read,
    cache_creation: { ephemeral_5m_input_tokens: prompt.created, ephemeral_1h_input_tokens: 0 },
    output_tokens: outputTokens,
    service_tier: 'standard',
  };
}

export function messageBody(head: MessageHead, answer: Answer): string {
  const thinking = answer.thinking.join('');
  const text = answer.tokens.join('');
  const { tool } = answer;
  return JSON.stringify({
    id: head.id,
    type: 'message',
    role: 'assistant',
    model: head.model,
    content: [
      ...(thinking === '' ? [] : [{ type: 'thinking', thinking, signature: signatureOf(thinking) }]),
      ...(text === '' ? [] : [{ type: 'text', text }]),
      ...(tool ? [{ type: 'tool_use', id: toolId(head), name: tool.name, input: tool.input }] : []),
    ],
    stop_reason: answer.stopReason,
    stop_sequence: answer.stopSequence,
    usage: usageOf(head.prompt, answer.thinking.length + answer.tokens.length),
  });
}

function toolId(head: MessageHead): string {
  return head.id.replace('msg_', 'toolu_');
}

export const PING = 'event: ping\ndata: {"type":"ping"}\n\n';
export const MESSAGE_STOP = 'event: message_stop\ndata: {"type":"message_stop"}\n\n';
export const OVERLOADED =
  'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n';

export function messageStart(head: MessageHead): string {
  const message = {
    id: head.id,
    type: 'message',
    role: 'assistant',
    model: head.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: usageOf(head.prompt, 1),
  };
  return sse('message_start', { message });
}

export function blockStart(index: number, block: Record<string, unknown>): string {
  return sse('content_block_start', { index, content_block: block });
}

export function blockStop(index: number): string {
  return `event: content_block_stop\ndata: {"type":"content_block_stop","index":${index}}\n\n`;
}

/** Written by hand: it is the hot line of every benchmark. */
export function textDelta(index: number, text: string): string {
  return `event: content_block_delta\ndata: {"type":"content_block_delta","index":${index},"delta":{"type":"text_delta","text":${JSON.stringify(text)}}}\n\n`;
}

export function blockDelta(index: number, delta: Record<string, unknown>): string {
  return sse('content_block_delta', { index, delta });
}

export function toolBlock(index: number, head: MessageHead, answer: Answer): string {
  if (!answer.tool) return '';
  const { name, input } = answer.tool;
  return (
    blockStart(index, { type: 'tool_use', id: toolId(head), name, input: {} }) +
    blockDelta(index, { type: 'input_json_delta', partial_json: JSON.stringify(input) }) +
    blockStop(index)
  );
}

export function messageDelta(head: MessageHead, answer: Answer): string {
  return sse('message_delta', {
    delta: { stop_reason: answer.stopReason, stop_sequence: answer.stopSequence },
    usage: {
      input_tokens: head.prompt.fresh,
      cache_creation_input_tokens: head.prompt.created,
      cache_read_input_tokens: head.prompt.read,
      output_tokens: answer.thinking.length + answer.tokens.length,
    },
  });
}

function sse(event: string, data: Record<string, unknown>): string {
  return `event: ${event}\ndata: ${JSON.stringify({ type: event, ...data })}\n\n`;
}
