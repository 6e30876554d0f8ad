import { randomUUID } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import { toAppError, toHttpError } from '@moltbot/shared/errors';
import type { TurnRequest } from '../domain/ports.ts';
import type { Services } from '../services.ts';
import { answerOf, type Answer } from './answer.ts';
import type { RunSink } from './append-only.ts';
import { parseBody } from './body.ts';
import { rememberingUser } from './conversation.ts';
import { ChatBody, clientTools, readConversation } from './openai-messages.ts';
import { resumeOf, type Resume } from './place.ts';
import { idempotencyKey, stableId } from './request-id.ts';
import { followRun } from './run.ts';
import { openSse, type Sse } from './sse.ts';
import { httpTarget } from './target.ts';

type Head = Readonly<{ id: string; created: number; model: string }>;

/** `POST /v1/chat/completions` as the openai SDK expects it, whole or streamed. */
export function chatCompletions(services: Services): RequestHandler {
  return async (request, response) => {
    const body = parseBody(ChatBody, request.body);
    const said = readConversation(body.messages);
    const user = rememberingUser(body.user, said);
    const { session, fresh, channel, model } = httpTarget(request, 'openai', body.model, user, services);
    const tools = clientTools(body.tools);
    const key = idempotencyKey(request);
    const turn: TurnRequest = {
      ...said,
      session,
      fresh,
      channel,
      model,
      tools,
      toolChoice: body.tool_choice,
      runId: key ?? randomUUID(),
      intent: { kind: 'chat', text: '' },
      thinking: body.reasoning_effort ?? undefined,
      maxTokens: body.max_completion_tokens ?? body.max_tokens ?? undefined,
    };
    const head: Head = {
      id: `chatcmpl_${key === undefined ? randomUUID() : stableId(`${session.key} ${key}`)}`,
      created: Math.floor(Date.now() / 1_000),
      model: body.model,
    };
    if (body.stream === true) {
      const chunks = chunksOf(head, body.stream_options?.include_usage === true);
      return await stream(services, turn, chunks, response, resumeOf(request));
    }
    const { event } = await followRun(services, turn, response, {}, { mayReturn: key !== undefined });
    response.json(completion(head, answerOf(event)));
  };
}

async function stream(
  services: Services,
  turn: TurnRequest,
  chunks: Chunks,
  response: Response,
  { mayReturn, after }: Resume,
): Promise<void> {
  let sse: Sse | undefined;
  const begin = (): Sse => {
    if (sse) return sse;
    sse = openSse(response, { resumable: mayReturn, ids: mayReturn, after });
    sse.frame(chunks.first);
    return sse;
  };
  const say = (cursor: string, lines: readonly string[]): void => {
    begin().at(cursor);
    for (const line of lines) begin().frame(line);
  };
  const sink: RunSink = {
    accepted: () => void begin(),
    delta: (text, cursor) => say(cursor, [chunks.text(text)]),
  };
  try {
    const options = { mayReturn, after: after?.cursor };
    const { event, cursor } = await followRun(services, turn, response, sink, options);
    say(cursor, chunks.last(answerOf(event)));
    sse?.end('data: [DONE]\n\n');
  } catch (cause) {
    if (!sse) throw cause;
    sse.end(`data: ${JSON.stringify(toHttpError(toAppError(cause)).body)}\n\n`);
  }
}

type Chunks = Readonly<{ first: string; text(text: string): string; last(answer: Answer): string[] }>;

/** The frames of a streamed completion; what all of them repeat is written once. */
function chunksOf({ id, created, model }: Head, withUsage: boolean): Chunks {
  const before = JSON.stringify({ id, object: 'chat.completion.chunk', created, model }).slice(0, -1);
  const chunk = (delta: unknown, finish: string | null): string =>
    `data: ${before},"choices":[{"index":0,"delta":${JSON.stringify(delta)},"finish_reason":${JSON.stringify(finish)}}]}`;
  return {
    first: chunk({ role: 'assistant' }, null),
    text: (content) => chunk({ content }, null),
    last: (answer) => {
      const calls = toolCalls(answer).map((call, index) => ({ index, ...call }));
      return [
        ...(calls.length > 0 ? [chunk({ tool_calls: calls }, null)] : []),
        chunk({}, FINISH[answer.stop]),
        ...(withUsage ? [`data: ${before},"choices":[],"usage":${JSON.stringify(usageOf(answer))}}`] : []),
      ];
    },
  };
}

const FINISH = { stop: 'stop', length: 'length', toolUse: 'tool_calls' } as const;

const toolCalls = ({
  calls,
}: Answer): { id: string; type: 'function'; function: { name: string; arguments: string } }[] =>
  calls.map(({ id, name, input }) => ({
    id,
    type: 'function',
    function: { name, arguments: JSON.stringify(input) },
  }));

function usageOf({ tokens }: Answer): Record<string, unknown> {
  const { input, cached, output } = tokens;
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cached },
  };
}

function completion(head: Head, answer: Answer): unknown {
  const calls = toolCalls(answer);
  const content = answer.text === '' && calls.length > 0 ? null : answer.text;
  const message = { role: 'assistant', content, ...(calls.length > 0 && { tool_calls: calls }) };
  return {
    id: head.id,
    object: 'chat.completion',
    created: head.created,
    model: head.model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: FINISH[answer.stop] }],
    usage: usageOf(answer),
  };
}
