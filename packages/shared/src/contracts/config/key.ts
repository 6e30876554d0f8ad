import type { z } from 'zod';

/** When a changed value is felt: by the next turn or request, or only by the next start. */
export type ConfigApply = 'live' | 'restart';

/** What a form or a page of documentation needs to know about one key, beside its type. */
export type ConfigKeyHint = Readonly<{
  apply: ConfigApply;
  sensitive?: boolean;
  advanced?: boolean;
  placeholder?: string;
  /** Where this product answers differently from upstream Moltbot, and why. */
  differs?: string;
  /** Accepted so that an existing file starts; nothing here reads it. */
  inert?: boolean;
}>;

/** Names the key's purpose on its schema; the schema stays the only place a key is described. */
export function key<S extends z.ZodType>(schema: S, help: string, hint: Partial<ConfigKeyHint> = {}): S {
  return schema.meta({ description: help, hint: { apply: 'live', ...hint } });
}

/** A key upstream knows and this product has nothing behind. */
export function inert<S extends z.ZodType>(
  schema: S,
  help = 'Accepted for compatibility; nothing here reads it.',
): S {
  return key(schema, help, { inert: true });
}
