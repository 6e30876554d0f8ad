import { randomUUID } from 'node:crypto';
import { ERRORS, type AppError } from '@moltbot/shared/errors';
import type { Answer, ToolCall } from './answer.ts';

/** What a response object repeats of its request. */
export type ResponseHead = Readonly<{
  id: string;
  created_at: number;
  model: string;
  instructions: string | null;
  max_output_tokens: number | null;
  metadata: Readonly<Record<string, unknown>>;
  previous_response_id: string | null;
  tool_choice: unknown;
  tools: readonly unknown[];
  user?: string;
}>;

export type OutputItem = Readonly<{ id: string; type: string } & Record<string, unknown>>;

export const newId = (prefix: string): string => `${prefix}_${randomUUID().replaceAll('-', '')}`;

export const textPart = (text: string): Record<string, unknown> => ({
  type: 'output_text',
  text,
  annotations: [],
  logprobs: [],
});

export function messageItem(
  id: string,
  status: 'in_progress' | 'completed' | 'incomplete',
  text?: string,
): OutputItem {
  return {
    id,
    type: 'message',
    status,
    role: 'assistant',
    content: text === undefined ? [] : [textPart(text)],
  };
}

export function callItem(
  id: string,
  status: 'in_progress' | 'completed',
  call: ToolCall,
  args: string,
): OutputItem {
  return { id, type: 'function_call', status, call_id: call.id, name: call.name, arguments: args };
}

export function responseObject(
  head: ResponseHead,
  status: string,
  output: readonly OutputItem[],
): Record<string, unknown> {
  return {
    object: 'response',
    ...head,
    status,
    output,
    error: null,
    incomplete_details: null,
    usage: null,
    background: false,
    parallel_tool_calls: true,
    temperature: null,
    top_p: null,
    text: { format: { type: 'text' } },
    truncation: 'disabled',
  };
}

/** The response of a finished run: `incomplete` when the model ran into its limit, `completed` otherwise. */
export function finishedResponse(
  head: ResponseHead,
  answer: Answer,
  output: readonly OutputItem[],
): Record<string, unknown> {
  const { input, cached, output: written } = answer.tokens;
  const usage = {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cached },
    output_tokens: written,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input + written,
  };
  const cut = answer.stop === 'length';
  return {
    ...responseObject(head, cut ? 'incomplete' : 'completed', output),
    incomplete_details: cut ? { reason: 'max_output_tokens' } : null,
    usage,
  };
}

export function failedResponse(
  head: ResponseHead,
  error: AppError,
  output: readonly OutputItem[],
): Record<string, unknown> {
  const code =
    ERRORS[error.code].http === 429
      ? 'rate_limit_exceeded'
      : ERRORS[error.code].http < 500
        ? 'invalid_prompt'
        : 'server_error';
  return {
    ...responseObject(head, 'failed', output),
    error: { code, message: error.message, type: ERRORS[error.code].type },
  };
}

/** The output of an answer that is given whole. */
export function wholeOutput(answer: Answer): OutputItem[] {
  const calls = answer.calls.map((call) =>
    callItem(newId('fc'), 'completed', call, JSON.stringify(call.input)),
  );
  const silent = answer.text === '' && calls.length > 0;
  return [
    ...(silent
      ? []
      : [messageItem(newId('msg'), answer.stop === 'length' ? 'incomplete' : 'completed', answer.text)]),
    ...calls,
  ];
}
