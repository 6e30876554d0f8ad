import express, { type ErrorRequestHandler, type Router } from 'express';
import { z } from 'zod';
import { Role, Scope, UserId, type TokenRecord } from '@moltbot/shared/contracts';
import { AppError, toAppError, toHttpError } from '@moltbot/shared/errors';
import { requireInternalSecret } from '@moltbot/shared/runtime';
import type { Directory } from '../adapters/directory.ts';
import { grant } from '../domain/grant.ts';
import { mintToken } from '../domain/secret.ts';
import type { AuthEvents } from '../events.ts';

/** Who asks for it, as the door that asks has found out. */
const Actor = z.string().min(1).max(200);
const CreateBody = z.strictObject({
  userId: UserId,
  label: z.string().trim().max(200).default(''),
  role: Role.default('member'),
  scopes: z.array(Scope).min(1).optional(),
  expiresInDays: z.int().min(1).max(3_650).optional(),
  actor: Actor,
});
const ListBody = z.strictObject({ userId: UserId.optional() });
const RevokeBody = z.strictObject({ id: z.string().min(1).max(100), actor: Actor });

/** The token directory, for the other services of one installation. */
export function tokenRoutes(secret: string, directory: Directory, events: AuthEvents): Router {
  const routes = express.Router();
  routes.use('/internal/v1', requireInternalSecret(secret), express.json({ limit: '16kb' }));
  routes.post('/internal/v1/tokens/create', async (request, response) => {
    const { actor, ...wish } = parse(CreateBody, request.body);
    const { token, ...minted } = mintToken();
    const record = grant(wish, minted, Date.now());
    await directory.add(record);
    events.created(record, actor);
    response.set('Cache-Control', 'no-store').json({ ...shown(record), token });
  });
  routes.post('/internal/v1/tokens/list', async (request, response) => {
    const { userId } = parse(ListBody, request.body ?? {});
    const all = await directory.list();
    const tokens = all.filter((token) => userId === undefined || token.userId === userId);
    events.listed(userId, tokens.length);
    response.json({
      tokens: tokens.map((token) => ({ ...shown(token), lastUsedAtMs: token.lastUsedAtMs })),
    });
  });
  routes.post('/internal/v1/tokens/revoke', async (request, response) => {
    const { id, actor } = parse(RevokeBody, request.body);
    const removed = await directory.remove(id);
    events.revoked(id, removed, actor);
    response.json({ ok: true, revoked: removed !== undefined });
  });
  routes.use(refuse(events));
  return routes;
}

/** A record without its hash: that is nobody's but ours. */
function shown({ id, userId, label, role, scopes, createdAtMs, expiresAtMs }: TokenRecord) {
  return { id, userId, label, role, scopes, createdAtMs, expiresAtMs };
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new AppError('INVALID_REQUEST', z.prettifyError(parsed.error));
}

function refuse(events: AuthEvents): ErrorRequestHandler {
  return (cause: unknown, request, response, _next) => {
    const error = isBadJson(cause)
      ? new AppError('INVALID_REQUEST', 'the body is not JSON of a usable size')
      : toAppError(cause);
    if (error.code === 'INTERNAL') events.failed(cause, request.path);
    else events.refused(error, request.path, userOf(request.body));
    const { status, body } = toHttpError(error);
    response.status(status).json(body);
  };
}

/** express.json's own refusals carry a 4xx status. */
const isBadJson = (cause: unknown): boolean =>
  cause instanceof Error && 'status' in cause && Number(cause.status) < 500;

const userOf = (body: unknown): string | undefined =>
  z.object({ userId: UserId }).safeParse(body).data?.userId;
