import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import type { Chat, ChatMessage, ChatSnapshot } from '@moltbot/client';
import { useDesk } from '../connection/desk.ts';
import { useClientState } from '../connection/use-client-state.ts';
import { Icon } from '../ui/icon.tsx';
import { Answer } from './answer.tsx';
import { attachmentsOf } from './images.ts';
import { OlderMessages } from './older-messages.tsx';
import { Question } from './question.tsx';
import { RunningAnswer } from './running-answer.tsx';
import { questionOf, timeline } from './timeline.ts';
import { useScroll } from './use-scroll.ts';

type Props = Readonly<{ chat: Chat; snapshot: ChatSnapshot }>;

export function MessageList({ chat, snapshot }: Props) {
  const { t } = useTranslation();
  const { client } = useDesk();
  const connected = useClientState(client).status === 'open';
  const items = timeline(snapshot);
  const lastOwn = snapshot.messages.findLast(({ role }) => role === 'user')?.id;
  const { viewport, content, atEnd, onScroll, toEnd } = useScroll({ firstId: items[0]?.id, lastOwn });
  const askAgain = useCallback(
    (answer: ChatMessage) => {
      const question = questionOf(chat.getSnapshot().messages, answer);
      if (question !== undefined) chat.send(question.text, attachmentsOf(question.content));
    },
    [chat],
  );
  return (
    <div className="log-frame">
      <div
        ref={viewport}
        className="log"
        role="log"
        aria-live="off"
        aria-label={t('chat.log')}
        tabIndex={0}
        onScroll={onScroll}
      >
        <div ref={content} className="log-column">
          <OlderMessages chat={chat} snapshot={snapshot} />
          {items.map((item) => {
            if (item.kind === 'run')
              return <RunningAnswer key={item.id} run={item.run} connected={connected} />;
            if (item.message.role === 'user') {
              return <Question key={item.id} message={item.message} chat={chat} connected={connected} />;
            }
            return <Answer key={item.id} message={item.message} onAskAgain={askAgain} />;
          })}
        </div>
      </div>
      {!atEnd && (
        <button type="button" className="to-newest" aria-label={t('chat.newest')} onClick={toEnd}>
          <Icon name="down" />
        </button>
      )}
    </div>
  );
}
