import type { RequestHandler, Response } from 'express';
import { z } from 'zod';
import { AppError, toAppError } from '@moltbot/shared/errors';
import type { TurnRequest } from '../domain/ports.ts';
import type { ResponseHead, ResponseNote } from '../domain/response-note.ts';
import type { Services } from '../services.ts';
import { answerOf } from './answer.ts';
import { principalOf } from './authenticate.ts';
import { parseBody } from './body.ts';
import { rememberingUser } from './conversation.ts';
import { readInput, readToolChoice, readTools, ResponsesInput, ResponsesTools } from './responses-input.ts';
import { responseSession } from './responses-session.ts';
import { endedResponse, failedResponse, responseObject } from './responses-shape.ts';
import { responseNow } from './responses-stored.ts';
import { responseSink, ResponseStream } from './responses-stream.ts';
import { idempotencyKey } from './request-id.ts';
import { followRun } from './run.ts';
import { openSse } from './sse.ts';
import { httpTarget } from './target.ts';

const STORED_SECONDS = 24 * 60 * 60;
/** `store: false`: long enough to go on with a stream that broke off, or to fetch what ran in the background. */
const UNSTORED_SECONDS = 60 * 60;
const MOST_REPEATED_CHARS = 4_096;
const MOST_NOTED_CHARS = 16_384;

/** What would change the answer and cannot be had is refused; what only tunes it (temperature, top_p) is taken and left alone. */
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
  store: z.boolean().nullish(),
  conversation: z.unknown().optional(),
  prompt: z.unknown().optional(),
});
type ResponsesBody = z.infer<typeof ResponsesBody>;

/** `POST /v1/responses` as the openai SDK expects it: whole, streamed or in the background. */
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
    const note: ResponseNote = { v: 1, key: session.key, runId, head: headOf(id, body) };
    const mayReturn = body.background === true || idempotencyKey(request) !== undefined;
    const asked: Asked = { services, turn, response, mayReturn };
    const respond = body.stream === true ? stream : body.background === true ? leave : answer;
    if (body.store === false && respond === answer) return await answer(asked, note);
    const seconds = body.store === false ? UNSTORED_SECONDS : STORED_SECONDS;
    await respond(asked, await keep(asked, note, seconds)).catch(async (cause: unknown) => {
      await forgetRefused(asked, note);
      throw cause;
    });
  };
}

type Asked = Readonly<{ services: Services; turn: TurnRequest; response: Response; mayReturn: boolean }>;

/** Noted before there is a run: from the moment its id is known, every replica finds it. A repeated request is the first one again. */
async function keep(
  { services, turn, response }: Asked,
  wanted: ResponseNote,
  seconds: number,
): Promise<ResponseNote> {
  const note = await services.responses.keep(principalOf(response), wanted, seconds);
  if (note.key === turn.session.key) return note;
  throw new AppError('CONFLICT', 'this idempotency key was used before, with another agent or session');
}

async function forgetRefused(
  { services, response }: Asked,
  { key, runId, head }: ResponseNote,
): Promise<void> {
  const principal = principalOf(response);
  const gone = async (): Promise<void> => {
    const run = await services.runs.find(principal, key, runId);
    if (!run) await services.responses.forget(principal, head.id);
  };
  await gone().catch(() => undefined); // it ends by itself, too
}

/** In the background: what becomes of it is asked for by its id. */
async function leave({ services, turn, response }: Asked, note: ResponseNote): Promise<void> {
  const principal = principalOf(response);
  const { kind } = await services.desk.submit(principal, turn);
  response.json(
    kind === 'accepted'
      ? responseObject(note.head, 'queued', [])
      : await responseNow(services, principal, note),
  );
}

async function answer({ services, turn, response, mayReturn }: Asked, { head }: ResponseNote): Promise<void> {
  try {
    const { event } = await followRun(services, turn, response, {}, { mayReturn });
    response.json(endedResponse(head, event));
  } catch (cause) {
    const error = toAppError(cause);
    if (error.facts['stopped'] !== true) throw cause;
    response.json(failedResponse(head, error, [])); // it was cancelled: nothing to try again
  }
}

async function stream({ services, turn, response, mayReturn }: Asked, { head }: ResponseNote): Promise<void> {
  let events: ResponseStream | undefined;
  const begin = (): ResponseStream =>
    (events ??= new ResponseStream(openSse(response, { resumable: true }), head));
  try {
    const { event } = await followRun(services, turn, response, responseSink(begin), { mayReturn });
    begin().finish(answerOf(event));
  } catch (cause) {
    if (!events) throw cause;
    events.fail(toAppError(cause));
  }
}

function headOf(id: string, body: ResponsesBody): ResponseHead {
  const { instructions, tools } = body;
  return {
    id,
    created_at: Math.floor(Date.now() / 1_000),
    model: body.model,
    instructions: repeated(instructions ?? null) ? (instructions ?? null) : null,
    max_output_tokens: body.max_output_tokens ?? null,
    metadata: body.metadata ?? {},
    previous_response_id: body.previous_response_id ?? null,
    tool_choice: body.tool_choice ?? 'auto',
    tools: repeated(tools) ? (tools ?? []) : [],
    background: body.background === true,
    ...(body.user != null && { user: body.user }),
  };
}

/** A program sends the same long instructions and tools with every request; Redis shall not keep each of them for a day. */
const repeated = (value: unknown): boolean => (JSON.stringify(value)?.length ?? 0) <= MOST_REPEATED_CHARS;

function refuseUnsupported(body: ResponsesBody): void {
  const format = body.text?.format?.type ?? 'text';
  const { metadata, user, model, tool_choice: choice } = body;
  const faults = [
    JSON.stringify({ metadata, user, model, choice }).length > MOST_NOTED_CHARS &&
      `metadata: too long; with user, model and tool_choice at most ${MOST_NOTED_CHARS} characters of JSON`,
    body.conversation != null && 'conversation: not supported; use previous_response_id or `user`',
    body.prompt != null && 'prompt: stored prompts are not supported; send instructions and input',
    format !== 'text' && `text.format: only "text" is supported, not "${format}"`,
  ].filter((fault) => fault !== false);
  if (faults.length > 0) throw new AppError('INVALID_REQUEST', faults.join('; '));
}
