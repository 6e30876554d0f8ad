import { useTranslation } from 'react-i18next';
import { LOCAL_CODES } from '@moltbot/client';
import type { RequestError } from '@moltbot/client';
import { nextStep } from '../connection/use-report.ts';

/** A history that could not be read. A lost connection is the status line's to tell. */
export function LoadProblem({ error, onRetry }: { error: RequestError; onRetry: () => void }) {
  const { t } = useTranslation();
  if (error.code === LOCAL_CODES.disconnected || error.code === LOCAL_CODES.closed) return null;
  return (
    <div className="notice danger" role="alert">
      <p>
        <strong>{error.message}</strong> {nextStep(error, t)}
      </p>
      <button type="button" className="link-button" onClick={onRetry}>
        {t('sessions.retry')}
      </button>
    </div>
  );
}
