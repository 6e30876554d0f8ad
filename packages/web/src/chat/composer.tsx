import { useEffect, useId, useState } from 'react';
import type { FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { Chat } from '@moltbot/client';
import { useDesk } from '../connection/desk.ts';
import { AttachmentStrip } from './attachment-strip.tsx';
import { ComposerBar } from './composer-bar.tsx';
import { ComposerField, focusComposer } from './composer-field.tsx';
import { draftOf, keepDraft } from './drafts.ts';
import { useAttachments } from './use-attachments.ts';
import { useDropTarget } from './use-drop-target.ts';

const FALLBACK_MAX_PAYLOAD_BYTES = 524_288;

type Props = Readonly<{ chat: Chat; isRunning: boolean; onStop: () => void }>;

export function Composer({ chat, isRunning, onStop }: Props) {
  const { t } = useTranslation();
  const { client } = useDesk();
  const { sessionKey } = chat.getSnapshot();
  const hintId = useId();
  const [text, setText] = useState(() => draftOf(sessionKey));
  const [preparing, setPreparing] = useState(false);
  const attachments = useAttachments();
  const dragging = useDropTarget(attachments.add);
  useEffect(() => keepDraft(sessionKey, text), [sessionKey, text]);

  const canSend = !preparing && (text.trim() !== '' || attachments.picked.length > 0);
  const send = async (): Promise<void> => {
    if (!canSend) return;
    setPreparing(true);
    const maxPayloadBytes = client.hello?.policy.maxPayload ?? FALLBACK_MAX_PAYLOAD_BYTES;
    const images = await attachments.prepare(maxPayloadBytes, text.length);
    setPreparing(false);
    if (images === undefined) return;
    // @NOTE the protocol wants at least one character of text with every message.
    chat.send(text.trim() === '' ? t('composer.imageOnly') : text.trim(), images);
    setText('');
    attachments.clear();
    focusComposer();
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void send();
  };
  return (
    <form className="composer" onSubmit={submit}>
      <div className="composer-box">
        {dragging && <p className="drop-note">{t('composer.drop')}</p>}
        <AttachmentStrip attachments={attachments} />
        <ComposerField
          text={text}
          hintId={hintId}
          onText={setText}
          onSend={() => void send()}
          onFiles={attachments.add}
        />
        <ComposerBar
          chat={chat}
          onPick={attachments.add}
          canSend={canSend}
          isRunning={isRunning}
          onStop={onStop}
        />
      </div>
      <p className="composer-hint">
        <span id={hintId} className="key-hint">
          {t('composer.hint')}
        </span>{' '}
        {t('composer.caution')}
      </p>
    </form>
  );
}
