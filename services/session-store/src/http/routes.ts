import express, { type ErrorRequestHandler, type Router } from 'express';
import { z } from 'zod';
import {
  DoctorPageRequest,
  RestorePageRequest,
  SessionId,
  UserId,
  VerifyPageRequest,
} from '@moltbot/shared/contracts';
import { AppError, toAppError, toHttpError } from '@moltbot/shared/errors';
import { requireInternalSecret } from '@moltbot/shared/runtime';
import type { FileDoctor } from '../adapters/file-doctor.ts';
import type { Queries } from '../adapters/queries.ts';
import type { Restorer } from '../adapters/restorer.ts';
import type { Verifier } from '../adapters/verifier.ts';

const OneSession = z.strictObject({ uid: UserId, sid: SessionId });
const RecordsBody = OneSession.extend({
  beforeSeq: z.number().int().positive().optional(),
  limit: z.number().int().min(1).max(1_000).default(200),
});
const SessionsBody = z.strictObject({ uid: UserId, limit: z.number().int().min(1).max(500).default(100) });

export type InternalPorts = Queries &
  Readonly<{
    /** Rejects with NOT_FOUND when the session is somebody else's. */
    rehydrate(uid: string, sid: string): Promise<void>;
    verifier: Verifier;
    restorer: Restorer;
    fileDoctor: FileDoctor;
  }>;

/** What the other services ask; undefined ports: Redis is not there yet. */
export function internalRoutes(
  secret: string,
  ports: () => InternalPorts | undefined,
  onFailure: (error: unknown) => void,
): Router {
  const routes = express.Router();
  routes.use('/internal/v1', requireInternalSecret(secret), express.json({ limit: '64kb' }));
  const answer = <T>(
    path: string,
    body: z.ZodType<T>,
    give: (ports: InternalPorts, asked: T) => Promise<unknown>,
    withinMs = ANSWER_WITHIN_MS,
  ): void => {
    routes.post(`/internal/v1/${path}`, async (request, response) => {
      const present = ports();
      if (!present) throw new AppError('UNAVAILABLE', 'session-store is starting', { retryAfterMs: 1_000 });
      response.json(await inTime(give(present, parse(body, request.body)), withinMs));
    });
  };
  answer('records', RecordsBody, async (store, query) => await store.records(query));
  answer('sessions', SessionsBody, async (store, { uid, limit }) => ({
    sessions: await store.sessions(uid, limit),
  }));
  answer(
    'verify',
    z.union([OneSession, VerifyPageRequest]),
    async (store, asked) => {
      if (!('sid' in asked)) return await store.verifier.page(asked);
      const { uid, sid } = asked;
      const found = await store.verify(uid, sid);
      if (found.damaged.length === 0 && found.missing.length === 0) return found;
      throw new AppError('CONFLICT', `the archive of this session is damaged: ${JSON.stringify(found)}`);
    },
    PAGE_WITHIN_MS,
  );
  answer(
    'restore',
    RestorePageRequest,
    async (store, asked) => await store.restorer.page(asked),
    PAGE_WITHIN_MS,
  );
  answer(
    'doctor',
    DoctorPageRequest,
    async (store, asked) => await store.fileDoctor.page(asked),
    PAGE_WITHIN_MS,
  );
  answer('rehydrate', OneSession, async (store, { uid, sid }) => {
    await store.rehydrate(uid, sid);
    return { ok: true };
  });
  routes.use(refuse(onFailure));
  return routes;
}

const ANSWER_WITHIN_MS = 5_000;
/** A page ends itself after 2 s, and reads one session for 5 s at most. */
const PAGE_WITHIN_MS = 10_000;

/** Whatever hangs, Redis or the shared storage: the caller hears in time that it does. */
async function inTime(answer: Promise<unknown>, withinMs: number): Promise<unknown> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new AppError('UNAVAILABLE', 'the archive did not answer in time', { retryAfterMs: 1_000 }));
  }, withinMs);
  return await Promise.race([answer, promise]).finally(() => clearTimeout(timer));
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new AppError('INVALID_REQUEST', z.prettifyError(parsed.error));
}

function refuse(onFailure: (error: unknown) => void): ErrorRequestHandler {
  return (cause: unknown, _request, response, _next) => {
    const error = toAppError(cause);
    if (error.code === 'INTERNAL') onFailure(cause);
    const { status, body } = toHttpError(error);
    response.status(status).json(body);
  };
}
