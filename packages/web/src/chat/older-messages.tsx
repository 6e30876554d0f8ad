import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { Chat, ChatSnapshot } from '@moltbot/client';

/** Loads by itself when scrolled into view; the button is for keyboards and for a failed try. */
export function OlderMessages({ chat, snapshot }: { chat: Chat; snapshot: ChatSnapshot }) {
  const { t } = useTranslation();
  const ref = useRef<HTMLDivElement>(null);
  const { hasMore, loading, error } = snapshot;
  const mayLoad = hasMore && loading === 'no' && error === undefined;
  useEffect(() => {
    const mark = ref.current;
    if (!mayLoad || mark === null) return undefined;
    const observer = new IntersectionObserver(([entry]) => {
      if (entry?.isIntersecting === true) void chat.loadOlder();
    });
    observer.observe(mark);
    return () => observer.disconnect();
  }, [chat, mayLoad]);
  return (
    <div ref={ref} className="older">
      {loading === 'older' && <span role="status">{t('chat.loadingOlder')}</span>}
      {hasMore && loading !== 'older' && (
        <button type="button" className="link-button" onClick={() => void chat.loadOlder()}>
          {t('chat.older')}
        </button>
      )}
    </div>
  );
}
