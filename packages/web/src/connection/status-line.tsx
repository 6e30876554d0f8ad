import { useEffect, useState, useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import type { ClientState } from '@moltbot/client';
import { useDesk } from './desk.ts';
import { useClientState } from './use-client-state.ts';

const QUIET_MS = 400;
const TICK_MS = 250;
const MS_PER_SECOND = 1000;

/** Says nothing while all is well, nor during a reconnect too short to matter. */
export function StatusLine() {
  const { t } = useTranslation();
  const { client } = useDesk();
  const state = useClientState(client);
  const online = useOnline();
  const troubled = useTroubled(state.status !== 'open');
  return (
    <div className="status-line" role="status">
      {troubled && (
        <p className="status-text">
          <span className="status-dot" aria-hidden="true" />
          {online ? <Wording key={state.retryAtMs} state={state} /> : t('status.offline')}
          {state.status !== 'connecting' && online && (
            <button type="button" className="link-button" onClick={() => client.reconnect()}>
              {t('status.retryNow')}
            </button>
          )}
        </p>
      )}
    </div>
  );
}

function Wording({ state }: { state: ClientState }) {
  const { t } = useTranslation();
  const seconds = useSecondsUntil(state.retryAtMs);
  if (state.status === 'closed') return t('status.closed', { reason: state.reason ?? '' });
  if (state.status !== 'waiting' || seconds === 0) return t('status.connecting');
  // A screen reader would read every second of the countdown, so it hears none of them.
  return (
    <>
      <span aria-hidden="true">{t('status.reconnecting', { count: seconds })}</span>
      <span className="visually-hidden">{t('status.connecting')}</span>
    </>
  );
}

function useSecondsUntil(atMs: number | undefined): number {
  const [nowMs, setNowMs] = useState(Date.now);
  useEffect(() => {
    if (atMs === undefined) return undefined;
    const timer = setInterval(() => setNowMs(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, [atMs]);
  return atMs === undefined ? 0 : Math.max(0, Math.ceil((atMs - nowMs) / MS_PER_SECOND));
}

function useTroubled(notOpen: boolean): boolean {
  const [troubled, setTroubled] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setTroubled(notOpen), notOpen ? QUIET_MS : 0);
    return () => clearTimeout(timer);
  }, [notOpen]);
  return troubled;
}

function useOnline(): boolean {
  return useSyncExternalStore(
    (listener) => {
      window.addEventListener('online', listener);
      window.addEventListener('offline', listener);
      return () => {
        window.removeEventListener('online', listener);
        window.removeEventListener('offline', listener);
      };
    },
    () => navigator.onLine,
  );
}
