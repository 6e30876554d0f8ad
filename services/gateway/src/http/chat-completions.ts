import { randomUUID } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import { toAppError, toHttpError } from '@moltbot/shared/errors';
import type { TurnRequest } from '../domain/ports.ts';
import type { Services } from '../services.ts';
import { answerOf, type Answer } from './answer.ts';
import { principalOf } from './authenticate.ts';
import { parseBody } from './body.ts';
import { rememberingUser } from './conversation.ts';
import { ChatBody, clientTools, readConversation } from './openai-messages.ts';
import { idempotencyKey } from './request-id.ts';
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
    const turn: TurnRequest = {
      ...said,
      session,
      fresh,
      channel,
      model,
      tools,
      toolChoice: body.tool_choice,
      runId: idempotencyKey(request) ?? randomUUID(),
      intent: { kind: 'chat', text: '' },
      thinking: body.reasoning_effort ?? undefined,
      maxTokens: body.max_completion_tokens ?? body.max_tokens ?? undefined,
    };
    const head: Head = {
      id: `chatcmpl_${randomUUID()}`,
      created: Math.floor(Date.now() / 1_000),
      model: body.model,
    };
    if (body.stream === true)
      await stream(services, turn, head, body.stream_options?.include_usage === true, response);
    else
      response.json(
        completion(head, answerOf(await followRun(services, principalOf(response), turn, response, {}))),
      );
  };
}

async function stream(
  services: Services,
  turn: TurnRequest,
  head: Head,
  withUsage: boolean,
  response: Response,
): Promise<void> {
  const before = JSON.stringify({
    id: head.id,
    object: 'chat.completion.chunk',
    created: head.created,
    model: head.model,
  }).slice(0, -1);
  const chunk = (delta: unknown, finish: string | null): string =>
    `data: ${before},"choices":[{"index":0,"delta":${JSON.stringify(delta)},"finish_reason":${JSON.stringify(finish)}}]}\n\n`;
  let sse: Sse | undefined;
  try {
    const answer = answerOf(
      await followRun(services, principalOf(response), turn, response, {
        accepted: () => {
          sse ??= begin();
        },
        delta: (text) => (sse ??= begin()).write(chunk({ content: text }, null)),
      }),
    );
    const calls = toolCalls(answer).map((call, index) => ({ index, ...call }));
    const last =
      (calls.length > 0 ? chunk({ tool_calls: calls }, null) : '') + chunk({}, FINISH[answer.stop]);
    const usage = withUsage
      ? `data: ${before},"choices":[],"usage":${JSON.stringify(usageOf(answer))}}\n\n`
      : '';
    sse?.end(`${last}${usage}data: [DONE]\n\n`);
  } catch (cause) {
    if (!sse) throw cause;
    sse.data(toHttpError(toAppError(cause)).body);
    sse.end();
  }
  function begin(): Sse {
    const made = openSse(response);
    made.write(chunk({ role: 'assistant' }, null));
    return made;
  }
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
