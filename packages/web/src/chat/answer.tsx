import { memo } from 'react';
import { useTranslation } from 'react-i18next';
import type { ChatMessage } from '@moltbot/client';
import { CopyButton } from './copy-button.tsx';
import { Markdown } from './markdown.tsx';
import { incompleteness } from './timeline.ts';

type Props = Readonly<{ message: ChatMessage; onAskAgain: (message: ChatMessage) => void }>;

export const Answer = memo(function Answer({ message, onAskAgain }: Props) {
  const { t } = useTranslation();
  const why = incompleteness(message);
  return (
    <article className="answer" aria-label={t('chat.assistant')} data-incomplete={why}>
      {message.text !== '' && <Markdown text={message.text} />}
      {why !== undefined && (
        <div className={why === 'error' ? 'notice danger' : 'notice'}>
          <p>{why === 'error' ? errorText(message, t) : t(`chat.${why}`)}</p>
          <button type="button" className="link-button" onClick={() => onAskAgain(message)}>
            {t('chat.tryAgain')}
          </button>
        </div>
      )}
      {message.text !== '' && (
        <div className="answer-actions">
          <CopyButton text={message.text} label={t('chat.copyAnswer')} />
        </div>
      )}
    </article>
  );
});

type Translate = ReturnType<typeof useTranslation>['t'];

function errorText({ errorMessage }: ChatMessage, t: Translate): string {
  return errorMessage === undefined ? t('chat.errorPlain') : t('chat.error', { reason: errorMessage });
}
