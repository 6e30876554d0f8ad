import { useTranslation } from 'react-i18next';

const SUGGESTIONS = ['explain', 'write', 'table', 'code'] as const;

export function EmptyState({ onAsk }: { onAsk: (text: string) => void }) {
  const { t } = useTranslation();
  return (
    <section className="empty" aria-label={t('empty.title')}>
      <h2>{t('empty.title')}</h2>
      <p>{t('empty.lead')}</p>
      <ul className="suggestions">
        {SUGGESTIONS.map((name) => (
          <li key={name}>
            <button type="button" className="suggestion" onClick={() => onAsk(t(`empty.${name}`))}>
              <strong>{t(`empty.${name}Title`)}</strong>
              <span>{t(`empty.${name}`)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
