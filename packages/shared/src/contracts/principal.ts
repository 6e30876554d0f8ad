import { z } from 'zod';
import { UserId } from './ids.ts';

export const SCOPES = [
  'operator.admin',
  'operator.read',
  'operator.write',
  'operator.pairing',
  'operator.approvals',
] as const;
export const Scope = z.enum(SCOPES);
export type Scope = z.infer<typeof Scope>;

export const ROLES = ['member', 'operator', 'auditor', 'admin'] as const;
export const Role = z.enum(ROLES);
export type Role = z.infer<typeof Role>;

/** The most a role may ever do; a token may hold less, a connection may ask for less. */
export const ROLE_SCOPES: Readonly<Record<Role, readonly Scope[]>> = {
  member: ['operator.read', 'operator.write'],
  operator: ['operator.read', 'operator.write', 'operator.pairing', 'operator.approvals'],
  auditor: ['operator.read'],
  admin: SCOPES,
};

/** `mbt_<id>_<secret>`: the id names the record, the secret is only ever stored as its SHA-256. */
export const PERSONAL_TOKEN = /^mbt_([a-z0-9]{12})_([A-Za-z0-9_-]{43})$/;

/** One field of the token directory; written by the auth service, read by gateways. */
export const TokenRecord = z.object({
  id: z.string(),
  userId: UserId,
  label: z.string(),
  role: Role,
  scopes: z.array(Scope),
  /** Hex SHA-256 of the secret. */
  hash: z.string(),
  createdAtMs: z.number().int(),
  expiresAtMs: z.number().int().nullable(),
});
export type TokenRecord = z.infer<typeof TokenRecord>;
