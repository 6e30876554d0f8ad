import type { RequestHandler, Response } from 'express';
import { z } from 'zod';
import { AppError, toAppError } from '@moltbot/shared/errors';
import type { TurnRequest } from '../domain/ports.ts';
import type { Services } from '../services.ts';
import { answerOf } from './answer.ts';
import { principalOf } from './authenticate.ts';
import { parseBody } from './body.ts';
import { rememberingUser } from './conversation.ts';
import { readInput, readToolChoice, readTools, ResponsesInput, ResponsesTools } from './responses-input.ts';
import { responseSession } from './responses-session.ts';
import { finishedResponse, wholeOutput, type ResponseHead } from './responses-shape.ts';
import { ResponseStream } from './responses-stream.ts';
import { followRun } from './run.ts';
import { openSse } from './sse.ts';
import { httpTarget } from './target.ts';

/** What would change the answer and cannot be had is refused; what only tunes it (temperature, top_p, store) is taken and left alone. */
const ResponsesBody = z.looseObject({
  model: z.string(),
  input: ResponsesInput.default([]),
  instructions: z.string().nullish(),
  tools: ResponsesTools.nullish(),
  tool_choice: z.unknown().optional(),
  stream: z.boolean().nullish(),
  max_output_tokens: z.int().positive().nullish(),
  user: z.string().nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  previous_response_id: z.string().nullish(),
  reasoning: z.looseObject({ effort: z.string().nullish() }).nullish(),
  text: z.looseObject({ format: z.looseObject({ type: z.string() }).nullish() }).nullish(),
  background: z.boolean().nullish(),
  conversation: z.unknown().optional(),
  prompt: z.unknown().optional(),
});
type ResponsesBody = z.infer<typeof ResponsesBody>;

/** `POST /v1/responses` as the openai SDK expects it, whole or streamed. */
export function responses(services: Services): RequestHandler {
  return async (request, response) => {
    const body = parseBody(ResponsesBody, request.body);
    refuseUnsupported(body);
    const principal = principalOf(response);
    const said = readInput(body.input, body.instructions ?? undefined);
    const user = rememberingUser(body.user, said);
    const target = httpTarget(request, 'openresponses', body.model, user, services);
    const { id, runId, session, fresh } = await responseSession(
      services,
      principal,
      request,
      target,
      body.previous_response_id ?? undefined,
    );
    const turn: TurnRequest = {
      ...said,
      session,
      fresh,
      runId,
      channel: target.channel,
      model: target.model,
      intent: { kind: 'chat', text: '' },
      tools: readTools(body.tools ?? []),
      toolChoice: readToolChoice(body.tool_choice),
      thinking: body.reasoning?.effort ?? undefined,
      maxTokens: body.max_output_tokens ?? undefined,
    };
    const head = headOf(id, body);
    if (body.stream === true) return await stream(services, turn, head, response);
    const answer = answerOf(await followRun(services, principal, turn, response, {}));
    response.json(finishedResponse(head, answer, wholeOutput(answer)));
  };
}

async function stream(
  services: Services,
  turn: TurnRequest,
  head: ResponseHead,
  response: Response,
): Promise<void> {
  let events: ResponseStream | undefined;
  const begin = (): ResponseStream => (events ??= new ResponseStream(openSse(response), head));
  try {
    const end = await followRun(services, principalOf(response), turn, response, {
      accepted: () => void begin(),
      delta: (text) => begin().delta(text),
    });
    begin().finish(answerOf(end));
  } catch (cause) {
    if (!events) throw cause;
    events.fail(toAppError(cause));
  }
}

function headOf(id: string, body: ResponsesBody): ResponseHead {
  return {
    id,
    created_at: Math.floor(Date.now() / 1_000),
    model: body.model,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    metadata: body.metadata ?? {},
    previous_response_id: body.previous_response_id ?? null,
    tool_choice: body.tool_choice ?? 'auto',
    tools: body.tools ?? [],
    ...(body.user != null && { user: body.user }),
  };
}

function refuseUnsupported(body: ResponsesBody): void {
  const format = body.text?.format?.type ?? 'text';
  const faults = [
    body.background === true &&
      'background: responses in the background are not supported yet; leave it out and use stream',
    body.conversation != null && 'conversation: not supported; use previous_response_id or `user`',
    body.prompt != null && 'prompt: stored prompts are not supported; send instructions and input',
    format !== 'text' && `text.format: only "text" is supported, not "${format}"`,
  ].filter((fault) => fault !== false);
  if (faults.length > 0) throw new AppError('INVALID_REQUEST', faults.join('; '));
}
