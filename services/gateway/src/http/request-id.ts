import { createHash, randomUUID } from 'node:crypto';
import type { Request } from 'express';

const MOST_KEY_CHARS = 200;

/** The caller’s own key: the same request sent again makes one turn. An empty one is none; a long one stands hashed for itself. */
export function idempotencyKey(request: Pick<Request, 'get'>): string | undefined {
  const key = request.get('idempotency-key')?.trim();
  if (key === undefined || key === '') return undefined;
  return key.length <= MOST_KEY_CHARS ? key : createHash('sha256').update(key).digest('hex');
}

/** 32 hex digits: the same ones each time an idempotency key comes, so that a repeated request finds its turn; else new ones. */
export function stableId(key: string | undefined): string {
  return key === undefined
    ? randomUUID().replaceAll('-', '')
    : createHash('sha256').update(key).digest('hex').slice(0, 32);
}
