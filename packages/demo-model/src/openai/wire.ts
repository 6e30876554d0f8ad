import type { ServerResponse } from 'node:http';
import type { Answer } from '../domain/answer.ts';
import { deliverTokens, endWith, type Delivery } from '../http/delivery.ts';

export type ChatHead = Readonly<{
  id: string;
  model: string;
  createdAtSeconds: number;
  promptTokens: number;
  includeUsage: boolean;
}>;

const FINISH_REASONS: Readonly<Record<string, string>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  tool_use: 'tool_calls',
};
const finishReason = ({ stopReason }: Answer): string => FINISH_REASONS[stopReason] ?? stopReason;

const OVERLOADED =
  'data: {"error":{"message":"The server is overloaded","type":"server_error","code":"overloaded"}}\n\n';

export function errorBody(status: number, message: string): string {
  const type = status >= 500 ? 'server_error' : 'invalid_request_error';
  const code = { 401: 'invalid_api_key', 429: 'rate_limit_exceeded' }[status] ?? null;
  return JSON.stringify({ error: { message, type, param: null, code } });
}

export function completionBody(head: ChatHead, answer: Answer): string {
  const calls = toolCalls(head, answer);
  const content = answer.tool ? null : answer.tokens.join('');
  const message = { role: 'assistant', content, refusal: null, ...(calls && { tool_calls: calls }) };
  return JSON.stringify({
    id: head.id,
    object: 'chat.completion',
    created: head.createdAtSeconds,
    model: head.model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason(answer) }],
    usage: usageOf(head, answer),
  });
}

export async function streamCompletion(
  res: ServerResponse,
  head: ChatHead,
  answer: Answer,
  delivery: Delivery,
): Promise<void> {
  res.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'x-request-id': head.id,
  });
  const opening = chunk(head, { role: 'assistant', content: '' }, null);
  const sent = await deliverTokens(res, opening, answer.tokens, delivery, {
    delta: (content) => chunk(head, { content }, null),
    overloaded: OVERLOADED,
  });
  if (!sent) return;
  const calls = toolCalls(head, answer)?.map((call, index) => ({ index, ...call }));
  const tool = calls ? chunk(head, { tool_calls: calls }, null) : '';
  const end = chunk(head, {}, finishReason(answer));
  const usage = head.includeUsage ? event(head, { choices: [], usage: usageOf(head, answer) }) : '';
  await endWith(res, `${tool}${end}${usage}data: [DONE]\n\n`, delivery);
}

function toolCalls(head: ChatHead, answer: Answer): Record<string, unknown>[] | undefined {
  if (!answer.tool) return undefined;
  const { name, input } = answer.tool;
  const id = head.id.replace('chatcmpl-', 'call_');
  return [{ id, type: 'function', function: { name, arguments: JSON.stringify(input) } }];
}

function usageOf(head: ChatHead, answer: Answer): Record<string, unknown> {
  const completionTokens = answer.tokens.length;
  return {
    prompt_tokens: head.promptTokens,
    completion_tokens: completionTokens,
    total_tokens: head.promptTokens + completionTokens,
  };
}

function chunk(head: ChatHead, delta: Record<string, unknown>, finishReason: string | null): string {
  return event(head, { choices: [{ index: 0, delta, finish_reason: finishReason }] });
}

function event(head: ChatHead, rest: Record<string, unknown>): string {
  const { id, createdAtSeconds: created, model } = head;
  return `data: ${JSON.stringify({ id, object: 'chat.completion.chunk', created, model, ...rest })}\n\n`;
}
