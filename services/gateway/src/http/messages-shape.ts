import { randomUUID } from 'node:crypto';
import { ERRORS, type AppError } from '@moltbot/shared/errors';
import type { Answer } from './answer.ts';

const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  409: 'invalid_request_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
};

/** A refusal as the Anthropic SDK reads it, in a body or in a stream. */
export function anthropicError(error: AppError): { type: 'error'; error: { type: string; message: string } } {
  return {
    type: 'error',
    error: { type: ERROR_TYPES[ERRORS[error.code].http] ?? 'api_error', message: error.message },
  };
}

const STOP_REASONS = { stop: 'end_turn', length: 'max_tokens', toolUse: 'tool_use' } as const;
export const stopReason = ({ stop }: Answer): string => STOP_REASONS[stop];

/** Anthropic counts what came from its cache apart from the input. */
export function anthropicUsage({ tokens }: Answer): Record<string, number> {
  const { input, cached, cacheWrite, output } = tokens;
  return {
    input_tokens: input - cached - cacheWrite,
    cache_creation_input_tokens: cacheWrite,
    cache_read_input_tokens: cached,
    output_tokens: output,
  };
}

export function emptyMessage(model: string): Record<string, unknown> {
  return {
    id: `msg_${randomUUID().replaceAll('-', '')}`,
    type: 'message',
    role: 'assistant',
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 0, output_tokens: 0 },
  };
}

export function wholeMessage(model: string, answer: Answer): Record<string, unknown> {
  const text = answer.text === '' ? [] : [{ type: 'text', text: answer.text, citations: null }];
  const calls = answer.calls.map(({ id, name, input }) => ({ type: 'tool_use', id, name, input }));
  return {
    ...emptyMessage(model),
    content: [...text, ...calls],
    stop_reason: stopReason(answer),
    usage: anthropicUsage(answer),
  };
}
