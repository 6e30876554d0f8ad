import { useTranslation } from 'react-i18next';
import type { ChatRun } from '@moltbot/client';
import { Markdown } from './markdown.tsx';

type Props = Readonly<{ run: ChatRun; connected: boolean }>;

export function RunningAnswer({ run, connected }: Props) {
  const { t } = useTranslation();
  const tool = run.tools.findLast(({ phase }) => phase === 'running');
  return (
    <article className="answer running" aria-label={t('chat.assistant')} aria-busy="true">
      {run.text !== '' && <Markdown text={run.text} />}
      {connected ? (
        <p className="working">
          <span className="dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          {tool !== undefined && <code>{tool.name}</code>}
          {run.text === '' &&
            tool === undefined &&
            t(run.phase === 'queued' ? 'chat.inLine' : 'chat.thinking')}
        </p>
      ) : (
        <p className="message-note">{t('chat.waiting')}</p>
      )}
    </article>
  );
}
