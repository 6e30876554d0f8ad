import { timingSafeEqual } from 'node:crypto';
import type { RequestHandler } from 'express';

/** Refuses every request without the shared secret, compared in constant time. */
export function requireInternalSecret(secret: string): RequestHandler {
  const expected = Buffer.from(`Bearer ${secret}`);
  return (request, response, next) => {
    const given = Buffer.from(request.headers.authorization ?? '');
    if (given.length === expected.length && timingSafeEqual(given, expected)) return next();
    response
      .status(401)
      .json({ error: { code: 'unauthenticated', message: 'internal secret missing or wrong' } });
  };
}
