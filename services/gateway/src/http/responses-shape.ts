import { ERRORS, type AppError } from '@moltbot/shared/errors';
import type { ResponseHead } from '../domain/response-note.ts';
import type { EndOfRun } from '../domain/ports.ts';
import { answerOf, type Answer, type ToolCall } from './answer.ts';
import { problemOf } from './append-only.ts';

export type OutputItem = Readonly<{ id: string; type: string } & Record<string, unknown>>;

/** Items are named after their response, so that every replica and every replay names them alike. */
export const messageId = ({ id }: ResponseHead): string => id.replace('resp', 'msg');
export const callId = ({ id }: ResponseHead, index: number): string => `${id.replace('resp', 'fc')}_${index}`;

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

/** `cancelled` when its user stopped it, else `failed`; what was said so far is marked incomplete. */
export function failedResponse(
  head: ResponseHead,
  error: AppError,
  output: readonly OutputItem[],
): Record<string, unknown> {
  const { type } = ERRORS[error.code];
  return {
    ...responseObject(head, error.facts['stopped'] === true ? 'cancelled' : 'failed', output),
    error: { code: failureCode(error), message: error.message, type },
  };
}

function failureCode({ code }: AppError): string {
  if (code === 'INTERRUPTED') return 'interrupted';
  const { http } = ERRORS[code];
  if (http === 429) return 'rate_limit_exceeded';
  return http < 500 ? 'invalid_prompt' : 'server_error';
}

export function partialOutput(
  head: ResponseHead,
  text: string,
  status: 'in_progress' | 'incomplete',
): OutputItem[] {
  return text === '' ? [] : [messageItem(messageId(head), status, text)];
}

/** The output of an answer that is given whole. */
export function wholeOutput(head: ResponseHead, answer: Answer): OutputItem[] {
  const calls = answer.calls.map((call, index) =>
    callItem(callId(head, index), 'completed', call, JSON.stringify(call.input)),
  );
  const silent = answer.text === '' && calls.length > 0;
  const status = answer.stop === 'length' ? 'incomplete' : 'completed';
  return [...(silent ? [] : [messageItem(messageId(head), status, answer.text)]), ...calls];
}

/** A response as its run ended. */
export function endedResponse(head: ResponseHead, end: EndOfRun): Record<string, unknown> {
  const answer = answerOf(end);
  const problem = problemOf(end);
  return problem
    ? failedResponse(head, problem, partialOutput(head, answer.text, 'incomplete'))
    : finishedResponse(head, answer, wholeOutput(head, answer));
}
