import type { TFunction } from 'i18next';
import type { ClientState } from '@moltbot/client';
import type { Problem } from './sign-in.tsx';

const REVOKED_CODES: ReadonlySet<number | undefined> = new Set([4401, 4403]);

/** The gateway turned the token down, as opposed to a version mismatch or a lost network. */
export function isTokenRefused(state: ClientState): boolean {
  return REVOKED_CODES.has(state.closeCode) || /unauthori[sz]ed|token|forbidden/i.test(state.reason ?? '');
}

export function problemOf(state: ClientState | undefined, t: TFunction): Problem | undefined {
  if (state?.status === 'waiting')
    return { text: t('signIn.unreachable'), hint: t('signIn.unreachableHint') };
  if (state?.status !== 'closed') return undefined;
  if (isTokenRefused(state)) return { text: t('signIn.refused'), hint: t('signIn.refusedHint') };
  return { text: t('status.closed', { reason: state.reason ?? '' }), hint: t('next.admin') };
}
