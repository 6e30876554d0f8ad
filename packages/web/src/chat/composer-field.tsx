import { useEffect, useLayoutEffect, useRef } from 'react';
import type { ClipboardEvent, KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';

const COMPOSER_ID = 'composer';

export function focusComposer(): void {
  document.getElementById(COMPOSER_ID)?.focus();
}

type Props = Readonly<{
  text: string;
  hintId: string;
  onText: (text: string) => void;
  onSend: () => void;
  onFiles: (files: Iterable<File>) => void;
}>;

export function ComposerField({ text, hintId, onText, onSend, onFiles }: Props) {
  const { t } = useTranslation();
  const field = useRef<HTMLTextAreaElement>(null);

  // `field-sizing: content` is not everywhere yet.
  useLayoutEffect(() => {
    const area = field.current;
    if (area === null || CSS.supports('field-sizing', 'content')) return;
    area.style.height = 'auto';
    area.style.height = `${area.scrollHeight}px`;
  }, [text]);

  // On a phone the focus would push the keyboard over what the person came to read.
  useEffect(() => {
    if (matchMedia('(pointer: fine)').matches) focusComposer();
  }, []);

  const onKeyDown = (event: KeyboardEvent): void => {
    // While an input method composes, Enter chooses a word (Safari tells only by code 229).
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing || event.keyCode === 229)
      return;
    event.preventDefault();
    onSend();
  };
  const onPaste = (event: ClipboardEvent): void => {
    const { files } = event.clipboardData;
    if (files.length === 0) return;
    event.preventDefault();
    onFiles(files);
  };
  return (
    <textarea
      id={COMPOSER_ID}
      ref={field}
      rows={1}
      value={text}
      placeholder={t('composer.placeholder')}
      aria-label={t('composer.label')}
      aria-describedby={hintId}
      onChange={(event) => onText(event.target.value)}
      onKeyDown={onKeyDown}
      onPaste={onPaste}
    />
  );
}
