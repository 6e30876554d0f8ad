import { z } from 'zod';
import { AppError } from '@moltbot/shared/errors';
import { readIntent } from '../../domain/message.ts';
import type { Submitted } from '../../domain/ports.ts';
import { resolveKey } from '../../domain/session-key.ts';
import { imageBlocks } from '../../domain/attachments.ts';
import { runLimitMs } from '../../domain/run-limit.ts';
import { toHistory } from '../../domain/transcript.ts';
import { method, RefusedWith, type MethodContext, type Methods } from '../method.ts';
import { toWireError } from '../wire-error.ts';

const Text = z.string().min(1);

export const Attachment = z.looseObject({
  type: z.string().optional(),
  mimeType: z.string().optional(),
  fileName: z.string().optional(),
  content: z.unknown().optional(),
});

const Send = z.strictObject({
  sessionKey: Text,
  message: Text,
  thinking: z.string().optional(),
  deliver: z.boolean().optional(),
  attachments: z.array(Attachment).optional(),
  timeoutMs: z.int().min(0).optional(),
  idempotencyKey: Text,
});

const History = z.strictObject({
  sessionKey: Text,
  limit: z.int().min(1).max(1_000).optional(),
  /** Ours: messages before this one, for reading back page by page. */
  beforeSeq: z.int().min(1).optional(),
});

const DEFAULT_HISTORY = 200;

export const chatMethods: Methods = {
  'chat.send': method('operator.write', Send, async (params, context) => await send(params, context)),
  'chat.history': method(
    'operator.read',
    History,
    async ({ sessionKey, limit = DEFAULT_HISTORY, beforeSeq }, { principal, services }) => {
      const { key } = resolveKey(sessionKey, services.rules());
      const { sid, records, hasMore, entry } = await services.sessions.history(
        principal,
        key,
        limit,
        beforeSeq,
      );
      const { messages, cut } = toHistory(records);
      const thinkingLevel =
        entry?.['thinkingLevel'] ?? services.config().agents.defaults.thinkingDefault ?? 'off';
      return {
        sessionKey,
        ...(sid !== undefined && { sessionId: sid }),
        messages,
        thinkingLevel,
        hasMore: hasMore || cut,
      };
    },
  ),
  'chat.abort': method(
    'operator.write',
    z.strictObject({ sessionKey: Text, runId: Text.optional() }),
    async ({ sessionKey, runId }, context) => {
      const { key } = resolveKey(sessionKey, context.services.rules());
      return await abort(context, key, runId, 'rpc');
    },
  ),
  'chat.inject': method(
    'operator.admin',
    z.strictObject({ sessionKey: Text, message: Text, label: z.string().max(100).optional() }),
    async (params, { principal, services }) => {
      const messageId = await services.desk.inject(
        principal,
        resolveKey(params.sessionKey, services.rules()),
        params.message,
        params.label,
      );
      return { ok: true, messageId };
    },
  ),
};

async function send(params: z.output<typeof Send>, context: MethodContext): Promise<unknown> {
  const { services, principal } = context;
  const session = resolveKey(params.sessionKey, services.rules());
  const blocks = imageBlocks(params.attachments ?? []);
  const config = services.config();
  const intent = readIntent(params.message, config.session.resetTriggers);
  if (intent.kind === 'stop') return await abort(context, session.key, undefined, 'stop');
  const submitted = await services.desk.submit(principal, {
    session,
    intent,
    runId: params.idempotencyKey,
    channel: 'webchat',
    thinking: params.thinking,
    blocks,
    timeoutMs: runLimitMs(params.timeoutMs, config),
  });
  return sendAnswer(params.idempotencyKey, submitted);
}

function sendAnswer(runId: string, submitted: Submitted): unknown {
  if (submitted.kind === 'accepted') return { runId, status: 'started' };
  if (submitted.status === 'waiting' || submitted.status === 'running') return { runId, status: 'in_flight' };
  if (submitted.status !== 'error') return { runId, status: 'ok' };
  const error = toWireError(new AppError('UNAVAILABLE', submitted.error));
  return new RefusedWith(error, { runId, status: 'error', summary: submitted.error });
}

async function abort(
  { services, principal }: MethodContext,
  key: string,
  runId: string | undefined,
  reason: 'rpc' | 'stop',
): Promise<unknown> {
  const runIds = await services.desk.abort(principal, key, runId, reason);
  if (runId !== undefined && runIds.length === 0) {
    const run = await services.desk.findRun(principal, runId);
    if (run && (run.status === 'waiting' || run.status === 'running'))
      throw new AppError('INVALID_REQUEST', 'runId does not match sessionKey');
  }
  return { ok: true, aborted: runIds.length > 0, runIds };
}
