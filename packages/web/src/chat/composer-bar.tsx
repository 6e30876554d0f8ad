import { useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { Chat } from '@moltbot/client';
import { Icon } from '../ui/icon.tsx';
import { ThinkingSelect } from './thinking-select.tsx';

type Props = Readonly<{
  chat: Chat;
  onPick: (files: Iterable<File>) => void;
  canSend: boolean;
  isRunning: boolean;
  onStop: () => void;
}>;

/** While an answer runs, Stop stands beside Send: the next question may be sent and waits its turn. */
export function ComposerBar({ chat, onPick, canSend, isRunning, onStop }: Props) {
  const { t } = useTranslation();
  const input = useRef<HTMLInputElement>(null);
  return (
    <div className="composer-bar">
      <input
        ref={input}
        type="file"
        accept="image/png,image/jpeg,image/webp,image/gif"
        multiple
        hidden
        onChange={(event) => {
          onPick(event.target.files ?? []);
          event.target.value = '';
        }}
      />
      <button
        type="button"
        className="icon-button"
        aria-label={t('composer.attach')}
        title={t('composer.attach')}
        onClick={() => input.current?.click()}
      >
        <Icon name="image" size={20} />
      </button>
      <ThinkingSelect chat={chat} />
      <span className="spacer" />
      {isRunning && (
        <button
          type="button"
          className="round-button stop"
          aria-label={t('composer.stop')}
          title={t('composer.stop')}
          aria-keyshortcuts="Escape"
          onClick={onStop}
        >
          <Icon name="stop" />
        </button>
      )}
      {(!isRunning || canSend) && (
        <button
          type="submit"
          className="round-button"
          aria-label={t('composer.send')}
          title={t('composer.send')}
          disabled={!canSend}
        >
          <Icon name="send" />
        </button>
      )}
    </div>
  );
}
