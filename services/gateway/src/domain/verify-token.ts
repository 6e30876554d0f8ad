import { PERSONAL_TOKEN } from '@moltbot/shared/contracts';

const GATEWAY_TOKEN_MIN_CHARS = 32;

/** Why a configured gateway token cannot be used, and what to do; undefined when it can. */
export function gatewayTokenProblem(token: string | undefined): string | undefined {
  if (token === undefined || token.length >= GATEWAY_TOKEN_MIN_CHARS) return undefined;
  return `gateway.auth.token has ${token.length} characters; at least ${GATEWAY_TOKEN_MIN_CHARS} are required (generate one: openssl rand -hex 32)`;
}

/** The two parts of `mbt_<id>_<secret>`; undefined for anything else. */
export function splitPersonalToken(token: string): { id: string; secret: string } | undefined {
  const [, id, secret] = PERSONAL_TOKEN.exec(token) ?? [];
  return id !== undefined && secret !== undefined ? { id, secret } : undefined;
}
