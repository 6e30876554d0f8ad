import { z } from 'zod';
import { inert } from './key.ts';

export const PositiveInt = z.int().positive();

/** Any value of a key that this product accepts and does not read. */
export const Unread = inert(z.unknown().optional());

export function unread<const Name extends string>(names: readonly Name[]): Record<Name, typeof Unread> {
  return Object.fromEntries(names.map((name) => [name, Unread])) as Record<Name, typeof Unread>;
}

/** A service that does not substitute a key sees the reference itself, so `${NAME}` counts as an address. */
export const HttpUrl = z
  .string()
  .refine(
    (text) => text.includes('${') || /^https?:\/\/[^\s/]+/.test(text),
    'expected an http:// or https:// address',
  );

/** `provider/model`, split at the first slash: model names may hold more of them. */
const ModelRef = z.string().min(1);

/** Upstream's object, or the primary alone as a plain string; readers always get the object. */
export const ModelChoice = z.union(
  [
    ModelRef.transform((primary) => ({ primary, fallbacks: [] as string[] })),
    z.strictObject({ primary: ModelRef.optional(), fallbacks: z.array(ModelRef).default([]) }),
  ],
  'expected "provider/model" or {primary, fallbacks}',
);
