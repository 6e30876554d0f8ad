import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import type { SessionRow } from './rows.ts';

export function useTitle(mainKey: string): (row: Pick<SessionRow, 'key' | 'title'>) => string {
  const { t } = useTranslation();
  return useCallback(
    (row) => row.title ?? (row.key === mainKey ? t('sessions.main') : t('sessions.untitled')),
    [mainKey, t],
  );
}
