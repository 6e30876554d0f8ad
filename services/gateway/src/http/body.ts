import type { z } from 'zod';
import { AppError } from '@moltbot/shared/errors';

/** The parsed body, or 400 with every fault as `path: message`. */
export function parseBody<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join('.')}: ${message}`,
  );
  throw new AppError('INVALID_REQUEST', faults.join('; '));
}
