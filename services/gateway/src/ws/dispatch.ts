import { RequestFrame } from '@moltbot/shared/contracts';
import { AppError, toAppError } from '@moltbot/shared/errors';
import { refusal } from '../domain/scopes.ts';
import type { Connection } from './connection.ts';
import { RefusedWith, type MethodContext, type Methods } from './method.ts';
import { agentMethods } from './methods/agent.ts';
import { chatMethods } from './methods/chat.ts';
import { configMethods } from './methods/config.ts';
import { quietMethods } from './methods/quiet.ts';
import { resumeMethods } from './methods/resume.ts';
import { sessionMethods } from './methods/sessions.ts';
import { statusMethods } from './methods/status.ts';
import { tokenMethods } from './methods/tokens.ts';
import { faultsOf, parseParams } from './validation.ts';
import { toWireError } from './wire-error.ts';

/** Every method there is: who may call it and what it does. */
const METHODS: Methods = {
  ...chatMethods,
  ...resumeMethods,
  ...agentMethods,
  ...sessionMethods,
  ...configMethods,
  ...statusMethods,
  ...tokenMethods,
  ...quietMethods,
};

/** Served, as upstream does, without being listed. */
const UNLISTED = new Set(['chat.inject', 'sessions.resolve']);
export const LISTED_METHODS = Object.keys(METHODS).filter((name) => !UNLISTED.has(name));

export const EVENTS = [
  'connect.challenge',
  'agent',
  'chat',
  'presence',
  'tick',
  'talk.mode',
  'shutdown',
  'health',
  'heartbeat',
  'cron',
  'node.pair.requested',
  'node.pair.resolved',
  'node.invoke.request',
  'device.pair.requested',
  'device.pair.resolved',
  'voicewake.changed',
  'exec.approval.requested',
  'exec.approval.resolved',
] as const;

export type DispatchEvents = Readonly<{
  forbidden(connection: Connection, method: string): void;
  called(method: string, code: string, startedAtMs: number): void;
  failed(method: string, error: unknown): void;
}>;

/** Answers one frame of a connection that is through the handshake. The socket stays open whatever it held. */
export async function dispatch(
  frame: unknown,
  base: Omit<MethodContext, 'requestId' | 'respondFirst'>,
  events: DispatchEvents,
): Promise<void> {
  const request = RequestFrame.safeParse(frame);
  const { connection } = base;
  if (!request.success) return refuseFrame(frame, connection);
  const { id, method: name, params } = request.data;
  const startedAtMs = Date.now();
  try {
    const respondFirst = (first: unknown): void => connection.respond(id, first);
    const payload = await run(name, params, { ...base, requestId: id, respondFirst });
    const refused = payload instanceof RefusedWith ? payload : undefined;
    if (refused) connection.refuse(id, refused.error, refused.payload);
    else connection.respond(id, payload);
    events.called(name, refused?.error.code ?? 'ok', startedAtMs);
  } catch (cause) {
    const label = Object.hasOwn(METHODS, name) ? name : 'unknown'; // what a client makes up is no label
    const error = toAppError(cause);
    if (error.code === 'FORBIDDEN') events.forbidden(connection, label);
    if (error.code === 'INTERNAL') events.failed(label, cause);
    const wire = toWireError(error);
    connection.refuse(id, wire);
    events.called(label, wire.code, startedAtMs);
  }
}

function refuseFrame(frame: unknown, connection: Connection): void {
  const id = (frame as { id?: unknown } | null)?.id;
  connection.refuse(typeof id === 'string' && id !== '' ? id : 'invalid', {
    code: 'INVALID_REQUEST',
    message: `invalid request frame: ${faultsOf(RequestFrame, frame) ?? 'not a request'}`,
  });
}

async function run(name: string, params: unknown, context: MethodContext): Promise<unknown> {
  if (name === 'connect') throw new AppError('INVALID_REQUEST', 'connect is only valid as the first request');
  const found = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined;
  const refused = refusal(
    context.scopes,
    context.peer.role === 'node' && found?.needs === 'node' ? 'none' : (found?.needs ?? 'operator.admin'),
  );
  if (refused !== undefined) throw new AppError('FORBIDDEN', refused);
  if (!found) throw new AppError('INVALID_REQUEST', `unknown method: ${name}`);
  return await found.run(parseParams(name, found.params, params) as never, context);
}
