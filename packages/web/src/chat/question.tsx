import { memo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Chat, ChatMessage } from '@moltbot/client';
import { imagesOf } from './images.ts';

type Props = Readonly<{ message: ChatMessage; chat: Chat; connected: boolean }>;

export const Question = memo(function Question({ message, chat, connected }: Props) {
  const { t } = useTranslation();
  const images = imagesOf(message.content);
  return (
    <article className="question" aria-label={t('chat.you')}>
      {images.length > 0 && (
        <div className="question-images">
          {images.map(({ src, name }, at) => {
            const alt = t('chat.image', { name: name ?? at + 1 });
            return src === undefined ? <span key={at}>{alt}</span> : <img key={at} src={src} alt={alt} />;
          })}
        </div>
      )}
      {message.text !== '' && <div className="question-text">{message.text}</div>}
      {message.status === 'sending' && !connected && <p className="message-note">{t('chat.queued')}</p>}
      {message.status === 'failed' && <NotSent message={message} chat={chat} />}
    </article>
  );
});

function NotSent({ message, chat }: Pick<Props, 'message' | 'chat'>) {
  const { t } = useTranslation();
  const { runId } = message;
  return (
    <div className="notice danger" role="alert">
      <p>{t('chat.sendFailed', { reason: message.errorMessage ?? '' })}</p>
      {runId !== undefined && (
        <p className="notice-actions">
          <button type="button" className="link-button" onClick={() => chat.retry(runId)}>
            {t('chat.sendAgain')}
          </button>
          <button type="button" className="link-button" onClick={() => chat.discard(runId)}>
            {t('chat.discard')}
          </button>
        </p>
      )}
    </div>
  );
}
