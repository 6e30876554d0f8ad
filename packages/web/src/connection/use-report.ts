import { useCallback } from 'react';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { LOCAL_CODES, RequestError } from '@moltbot/client';
import { useToast } from '../ui/toasts.tsx';

const MS_PER_SECOND = 1000;

/** What the person can do about it; the server's own message says what happened. */
export function nextStep(error: RequestError, t: TFunction): string {
  if (error.code === LOCAL_CODES.disconnected) return t('next.disconnected');
  if (error.retryAfterMs !== undefined) {
    return t('next.retryIn', { count: Math.ceil(error.retryAfterMs / MS_PER_SECOND) });
  }
  if (error.message.startsWith('missing scope')) return t('next.forbidden');
  return error.retryable ? t('next.retry') : t('next.admin');
}

/** Shows a failed request as a toast. */
export function useReport(): (error: unknown) => void {
  const { t } = useTranslation();
  const toast = useToast();
  return useCallback(
    (error: unknown) => {
      if (error instanceof RequestError) {
        if (error.code !== LOCAL_CODES.closed) toast(error.message, nextStep(error, t));
        return;
      }
      toast(error instanceof Error ? error.message : String(error), t('next.admin'));
    },
    [t, toast],
  );
}
