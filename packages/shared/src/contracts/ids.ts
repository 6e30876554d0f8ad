import { z } from 'zod';

/** One generation of a session: a reset gives the same key a new id. */
export const SessionId = z.uuid().brand<'SessionId'>();
export type SessionId = z.infer<typeof SessionId>;

/** Stable name of a person or a service; never contains `:` so that it is safe inside Redis keys and paths. */
export const UserId = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9._@+-]{0,127}$/, 'user id: letters, digits and . _ @ + - (at most 128)')
  .brand<'UserId'>();
export type UserId = z.infer<typeof UserId>;

/** `agent:<agentId>:<rest>` in lower case, as `canonicalKey` in the gateway makes it. */
export const CanonicalKey = z.string().min(1).max(512).brand<'CanonicalKey'>();
export type CanonicalKey = z.infer<typeof CanonicalKey>;
