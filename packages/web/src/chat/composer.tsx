import { useEffect, useId, useLayoutEffect, useRef, useState } from 'react';
import type { ClipboardEvent, FormEvent, KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { Chat } from '@moltbot/client';
import { useDesk } from '../connection/desk.ts';
import { AttachmentStrip } from './attachment-strip.tsx';
import { ComposerBar } from './composer-bar.tsx';
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
  const field = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(() => draftOf(sessionKey));
  const [preparing, setPreparing] = useState(false);
  const attachments = useAttachments();
  const dragging = useDropTarget(attachments.add);
  useGrowingHeight(field, text);
  useEffect(() => keepDraft(sessionKey, text), [sessionKey, text]);
  useFocusWithoutTouch(field);

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
    field.current?.focus();
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void send();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    // While an input method composes, Enter chooses a word (Safari tells only by code 229).
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing || event.keyCode === 229) return;
    submit(event);
  };
  const onPaste = (event: ClipboardEvent): void => {
    const { files } = event.clipboardData;
    if (files.length === 0) return;
    event.preventDefault();
    attachments.add(files);
  };
  return (
    <form className="composer" onSubmit={submit} data-dragging={dragging}>
      <div className="composer-box">
        {dragging && <p className="drop-note">{t('composer.drop')}</p>}
        <AttachmentStrip attachments={attachments} />
        <textarea
          id="composer"
          ref={field}
          rows={1}
          value={text}
          placeholder={t('composer.placeholder')}
          aria-label={t('composer.label')}
          aria-describedby={hintId}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={onKeyDown}
          onPaste={onPaste}
        />
        <ComposerBar onPick={attachments.add} canSend={canSend} isRunning={isRunning} onStop={onStop} />
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

/** `field-sizing: content` is not everywhere yet. */
function useGrowingHeight(field: { readonly current: HTMLTextAreaElement | null }, text: string): void {
  useLayoutEffect(() => {
    const area = field.current;
    if (area === null || CSS.supports('field-sizing', 'content')) return;
    area.style.height = 'auto';
    area.style.height = `${area.scrollHeight}px`;
  }, [field, text]);
}

/** On a phone the focus would push the keyboard over what the person came to read. */
function useFocusWithoutTouch(field: { readonly current: HTMLTextAreaElement | null }): void {
  useEffect(() => {
    if (matchMedia('(pointer: fine)').matches) field.current?.focus();
  }, [field]);
}
