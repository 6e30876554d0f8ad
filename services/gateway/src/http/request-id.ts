import { createHash, randomUUID } from 'node:crypto';
import type { Request } from 'express';

/** The caller’s own key: the same request sent again makes one turn. */
export const idempotencyKey = (request: Request): string | undefined =>
  request.get('idempotency-key')?.slice(0, 200);

/** 32 hex digits: the same ones each time an idempotency key comes, so that a repeated request finds its turn; else new ones. */
export function stableId(key: string | undefined): string {
  return key === undefined
    ? randomUUID().replaceAll('-', '')
    : createHash('sha256').update(key).digest('hex').slice(0, 32);
}
