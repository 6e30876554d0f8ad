import { once } from 'node:events';
import type { Request, RequestHandler, Response } from 'express';
import { AppError, toAppError } from '@moltbot/shared/errors';
import { awaitEnd } from '../domain/await-end.ts';
import type { EndOfRun, RunState } from '../domain/ports.ts';
import type { Principal } from '../domain/principal.ts';
import type { ResponseNote } from '../domain/response-note.ts';
import type { Services } from '../services.ts';
import { answerOf } from './answer.ts';
import { appendOnly, problemOf, type RunEnd } from './append-only.ts';
import { principalOf } from './authenticate.ts';
import { hearRun } from './hear-run.ts';
import { endedResponse, partialOutput, responseObject } from './responses-shape.ts';
import { responseSink, ResponseStream } from './responses-stream.ts';
import { endOf } from './run.ts';
import { openSse, roomIn } from './sse.ts';

const RESPONSE_ID = /^resp_[0-9a-f_]{1,80}$/;
/** A run that waits behind others in its session ends when its turn comes. */
const CANCELLED_WITHIN_MS = 10_000;
const UNENDED: ReadonlySet<RunState> = new Set(['waiting', 'running']);

/** `GET /v1/responses/{id}`: as it stands, or with `stream=true` its events after `starting_after`, live until its end. */
export function retrieveResponse(services: Services): RequestHandler {
  return async (request, response) => {
    const principal = principalOf(response);
    const note = await noteOf(services, principal, request);
    if (request.query['stream'] === 'true')
      return await replay(services, principal, note, response, startingAfter(request));
    response.json(await responseNow(services, principal, note));
  };
}

/** `POST /v1/responses/{id}/cancel`: one that has ended answers as it ended. */
export function cancelResponse(services: Services): RequestHandler {
  return async (request, response) => {
    const principal = principalOf(response);
    const note = await noteOf(services, principal, request);
    const { key, runId } = note;
    using end = await awaitEnd(services.hub, principal.userId, runId, key);
    const run = await runOf(services, principal, note);
    const place = { sid: run.sid, key };
    if (UNENDED.has(run.status) && (await services.runs.stop(principal, place, runId))) {
      services.hub.expect(principal.userId, place, run.turnId);
      await end.within(CANCELLED_WITHIN_MS);
    }
    response.json(await responseNow(services, principal, note));
  };
}

/** The response object as its run stands. */
export async function responseNow(
  services: Services,
  principal: Principal,
  note: ResponseNote,
): Promise<Record<string, unknown>> {
  const { head, key } = note;
  const run = await runOf(services, principal, note);
  if (run.status === 'waiting') return responseObject(head, 'queued', []);
  const record =
    run.status === 'final' && (await services.runs.record(principal, { sid: run.sid, key }, run.turnId));
  if (record) return endedResponse(head, endOf(record, note.runId, key));
  const { steps } = await services.hub.replay({ sid: run.sid, key });
  const last = steps.findLast(({ view }) => view.turnId === run.turnId);
  if (last?.event.t === 'end') return endedResponse(head, last.event);
  if (!UNENDED.has(run.status)) return endedResponse(head, await recordedEnd(services, principal, note, run));
  return responseObject(head, 'in_progress', partialOutput(head, last?.view.text ?? '', 'in_progress'));
}

async function replay(
  services: Services,
  principal: Principal,
  note: ResponseNote,
  response: Response,
  after: number,
): Promise<void> {
  let events: ResponseStream | undefined;
  const begin = (): ResponseStream =>
    (events ??= new ResponseStream(openSse(response, { resumable: true }), note.head, after));
  const told = appendOnly(responseSink(begin));
  const gone = once(response, 'close').then(nothing, nothing);
  try {
    using heard = await hearRun(services.hub, principal.userId, note, told.hear);
    const run = await runOf(services, principal, note);
    const place = { sid: run.sid, key: note.key, turnId: run.turnId };
    const steps = await heard.past(place);
    if (!steps && !UNENDED.has(run.status)) {
      const end = await recordedEnd(services, principal, note, run);
      restore(begin(), end);
      told.hear(end, { text: '', cursor: '' });
    } else {
      if (steps?.at(-1)?.event.t !== 'end') services.hub.expect(principal.userId, place, run.turnId);
      begin();
      response.flushHeaders(); // there may be nothing to say for a while
      await heard.go(steps, roomIn(response));
    }
    const end: RunEnd | undefined = await Promise.race([told.end, gone]);
    if (end) begin().finish(answerOf(end.event));
  } catch (cause) {
    if (!events) throw cause;
    events.fail(toAppError(cause));
  }
}

const nothing = (): undefined => undefined;

/** What a run that did not end well had said; one that did says its text with its end. */
function restore(events: ResponseStream, end: EndOfRun): void {
  const { text } = answerOf(end);
  if (problemOf(end) && text !== '') events.delta(text);
}

type Run = NonNullable<Awaited<ReturnType<Services['runs']['find']>>>;

async function runOf(services: Services, principal: Principal, note: ResponseNote): Promise<Run> {
  const run = await services.runs.find(principal, note.key, note.runId);
  if (!run) throw missing(note.head.id);
  return run;
}

async function recordedEnd(
  services: Services,
  principal: Principal,
  { key, runId, head }: ResponseNote,
  { sid, turnId, status, error, endedAtMs = 0 }: Run,
): Promise<EndOfRun> {
  const record = await services.runs.record(principal, { sid, key }, turnId);
  if (record) return endOf(record, runId, key);
  if (status !== 'aborted' && status !== 'error') throw missing(head.id);
  const times = { startedAt: endedAtMs, endedAt: endedAtMs };
  return {
    t: 'end',
    tid: turnId,
    run: runId,
    shown: key,
    outcome: status,
    kind: 'chat',
    error: { code: 'INTERNAL', message: error },
    ...times,
  };
}

async function noteOf(services: Services, principal: Principal, request: Request): Promise<ResponseNote> {
  const id = String(request.params['id']);
  const note = RESPONSE_ID.test(id) ? await services.responses.find(principal, id) : undefined;
  if (!note) throw missing(id);
  return note;
}

const missing = (id: string): AppError =>
  new AppError('NOT_FOUND', `Response with id '${id.slice(0, 100)}' not found.`);

function startingAfter(request: Request): number {
  const given = request.query['starting_after'];
  if (given === undefined) return -1;
  if (typeof given !== 'string' || !/^\d{1,9}$/.test(given))
    throw new AppError('INVALID_REQUEST', 'starting_after: expected the sequence_number of an event');
  return Number(given);
}
