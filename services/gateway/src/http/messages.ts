import { randomUUID } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import { z } from 'zod';
import { toAppError } from '@moltbot/shared/errors';
import type { TurnRequest } from '../domain/ports.ts';
import type { Services } from '../services.ts';
import { answerOf } from './answer.ts';
import type { RunSink } from './append-only.ts';
import { parseBody } from './body.ts';
import { rememberingUser } from './conversation.ts';
import {
  AnthropicMessages,
  AnthropicSystem,
  AnthropicThinking,
  AnthropicToolChoice,
  AnthropicTools,
  readAnthropicMessages,
  readAnthropicToolChoice,
  readAnthropicTools,
  thinkingLevel,
} from './messages-input.ts';
import { wholeMessage } from './messages-shape.ts';
import { openMessageStream, type MessageStream } from './messages-stream.ts';
import { resumeOf, type Resume } from './place.ts';
import { idempotencyKey } from './request-id.ts';
import { followRun } from './run.ts';
import { openSse } from './sse.ts';
import { httpTarget } from './target.ts';

const MessagesBody = z.looseObject({
  model: z.string(),
  max_tokens: z.int().positive(),
  messages: AnthropicMessages,
  system: AnthropicSystem.default(''),
  stream: z.boolean().nullish(),
  tools: AnthropicTools.default([]),
  tool_choice: AnthropicToolChoice.optional(),
  thinking: AnthropicThinking.optional(),
  metadata: z.looseObject({ user_id: z.string().nullish() }).nullish(),
});

/** `POST /v1/messages` as the Anthropic SDK expects it, whole or streamed. */
export function messages(services: Services): RequestHandler {
  return async (request, response) => {
    const body = parseBody(MessagesBody, request.body);
    const said = readAnthropicMessages(body.messages, body.system);
    const user = rememberingUser(body.metadata?.user_id, said);
    const { session, fresh, channel, model } = httpTarget(request, 'anthropic', body.model, user, services);
    const key = idempotencyKey(request);
    const turn: TurnRequest = {
      ...said,
      session,
      fresh,
      channel,
      model,
      runId: key ?? randomUUID(),
      intent: { kind: 'chat', text: '' },
      tools: readAnthropicTools(body.tools),
      toolChoice: readAnthropicToolChoice(body.tool_choice),
      thinking: thinkingLevel(body.thinking),
      maxTokens: body.max_tokens,
    };
    if (body.stream === true) return await stream(services, turn, body.model, response, resumeOf(request));
    const { event } = await followRun(services, turn, response, {}, { mayReturn: key !== undefined });
    response.json(wholeMessage(body.model, answerOf(event)));
  };
}

async function stream(
  services: Services,
  turn: TurnRequest,
  model: string,
  response: Response,
  { mayReturn, after }: Resume,
): Promise<void> {
  let events: MessageStream | undefined;
  const begin = (): MessageStream =>
    (events ??= openMessageStream(openSse(response, { resumable: mayReturn, ids: mayReturn, after }), model));
  const sink: RunSink = {
    accepted: () => void begin(),
    delta: (text, cursor) => begin().delta(text, cursor),
  };
  try {
    const options = { mayReturn, after: after?.cursor };
    const { event, cursor } = await followRun(services, turn, response, sink, options);
    begin().finish(answerOf(event), cursor);
  } catch (cause) {
    if (!events) throw cause;
    events.fail(toAppError(cause));
  }
}
