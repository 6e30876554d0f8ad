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
import { followRun, handIn } from './run.ts';
import { openSse } from './sse.ts';
import { httpTarget } from './target.ts';

const BACKGROUND_SECONDS = 24 * 60 * 60;
/** Long enough to go on with a stream that broke off, or to fetch what `store: false` left in the background. */
const KEPT_SECONDS = 60 * 60;
const MOST_REPEATED_CHARS = 4_096;
const MOST_NAME_CHARS = 1_024;
/** As OpenAI's are. */
const MOST_METADATA = { pairs: 16, keyChars: 64, valueChars: 512 } as const;

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
    const repeatable = idempotencyKey(request) !== undefined;
    const mayReturn = note.head.background || repeatable;
    await respond({ services, turn, response, mayReturn, repeatable }, note, body);
  };
}

async function respond(asked: Asked, note: ResponseNote, { stream, store }: ResponsesBody): Promise<void> {
  const stored = store !== false;
  const answering = stream ? streamed : note.head.background ? left : whole;
  if (!stored && answering === whole) return await whole(asked, note);
  const seconds = stored && note.head.background ? BACKGROUND_SECONDS : KEPT_SECONDS;
  const kept = await keep(asked, note, seconds);
  await answering(asked, kept).catch(async (cause: unknown) => {
    await forgetRefused(asked, note);
    throw cause;
  });
}

type Asked = Readonly<{
  services: Services;
  turn: TurnRequest;
  response: Response;
  mayReturn: boolean;
  repeatable: boolean;
}>;

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
async function left({ services, turn, response, repeatable }: Asked, note: ResponseNote): Promise<void> {
  const principal = principalOf(response);
  const { kind } = await handIn(services, principal, turn, repeatable);
  response.json(
    kind === 'accepted'
      ? responseObject(note.head, 'queued', [])
      : await responseNow(services, principal, note),
  );
}

async function whole({ services, turn, response, mayReturn }: Asked, { head }: ResponseNote): Promise<void> {
  try {
    const { event } = await followRun(services, turn, response, {}, { mayReturn });
    response.json(endedResponse(head, event));
  } catch (cause) {
    const error = toAppError(cause);
    if (error.facts['stopped'] !== true) throw cause;
    response.json(failedResponse(head, error, [])); // it was cancelled: nothing to try again
  }
}

async function streamed(
  { services, turn, response, mayReturn, repeatable }: Asked,
  { head }: ResponseNote,
): Promise<void> {
  let events: ResponseStream | undefined;
  const begin = (): ResponseStream =>
    (events ??= new ResponseStream(openSse(response, { resumable: true }), head));
  try {
    const options = { mayReturn, repeatable };
    const { event } = await followRun(services, turn, response, responseSink(begin), options);
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
    tool_choice: repeated(body.tool_choice) ? (body.tool_choice ?? 'auto') : 'auto',
    tools: repeated(tools) ? (tools ?? []) : [],
    background: body.background === true,
    ...(body.user != null && { user: body.user }),
  };
}

/** A program sends the same long instructions and tools with every request; Redis shall not keep each of them for a day. */
const repeated = (value: unknown): boolean => (JSON.stringify(value)?.length ?? 0) <= MOST_REPEATED_CHARS;

function refuseUnsupported(body: ResponsesBody): void {
  const format = body.text?.format?.type ?? 'text';
  const faults = [
    ...metadataFaults(body.metadata ?? {}),
    ...nameFaults({ model: body.model, user: body.user ?? '' }),
    body.conversation != null && 'conversation: not supported; use previous_response_id or `user`',
    body.prompt != null && 'prompt: stored prompts are not supported; send instructions and input',
    format !== 'text' && `text.format: only "text" is supported, not "${format}"`,
  ].filter((fault) => fault !== false);
  if (faults.length > 0) throw new AppError('INVALID_REQUEST', faults.join('; '));
}

const nameFaults = (names: Readonly<Record<string, string>>): string[] =>
  Object.entries(names)
    .filter(([, value]) => value.length > MOST_NAME_CHARS)
    .map(([name]) => `${name}: at most ${MOST_NAME_CHARS} characters`);

function metadataFaults(metadata: Readonly<Record<string, unknown>>): string[] {
  const { pairs, keyChars, valueChars } = MOST_METADATA;
  const entries = Object.entries(metadata);
  const charsOf = (value: unknown): number =>
    typeof value === 'string' ? value.length : JSON.stringify(value).length;
  return [
    ...(entries.length > pairs ? [`metadata: at most ${pairs} pairs, not ${entries.length}`] : []),
    ...(entries.some(([name]) => name.length > keyChars)
      ? [`metadata: a key has at most ${keyChars} characters`]
      : []),
    ...(entries.some(([, value]) => charsOf(value) > valueChars)
      ? [`metadata: a value has at most ${valueChars} characters`]
      : []),
  ];
}
