import { useCallback, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ChatAttachment } from '@moltbot/client';
import { useToast } from '../ui/toasts.tsx';
import { imageBudgetBytes, shrinkImage, toBase64 } from './shrink-image.ts';

const MAX_IMAGES = 5;

export type Picked = Readonly<{ id: string; file: File; previewUrl: string }>;

export type Attachments = Readonly<{
  picked: readonly Picked[];
  add: (files: Iterable<File>) => void;
  remove: (id: string) => void;
  clear: () => void;
  /** undefined: something did not fit, and the person was told. */
  prepare: (maxPayloadBytes: number, textLength: number) => Promise<readonly ChatAttachment[] | undefined>;
}>;

export function useAttachments(): Attachments {
  const { t } = useTranslation();
  const toast = useToast();
  const [picked, setPicked] = useState<readonly Picked[]>([]);
  useRevokeOnLeave(picked);

  const add = (files: Iterable<File>): void => {
    const news: Picked[] = [];
    for (const file of files) {
      if (!file.type.startsWith('image/') || file.type === 'image/svg+xml') {
        toast(t('composer.notImage', { name: file.name }), t('composer.notImageHint'));
      } else if (picked.length + news.length >= MAX_IMAGES) {
        toast(t('composer.tooMany', { count: MAX_IMAGES }));
      } else {
        news.push({ id: crypto.randomUUID(), file, previewUrl: URL.createObjectURL(file) });
      }
    }
    if (news.length > 0) setPicked([...picked, ...news]);
  };
  const remove = (id: string): void => setPicked(picked.filter((one) => one.id !== id));
  const clear = useCallback(() => setPicked([]), []);

  const prepare: Attachments['prepare'] = async (maxPayloadBytes, textLength) => {
    const budgetBytes = imageBudgetBytes(maxPayloadBytes, textLength, picked.length);
    const ready: ChatAttachment[] = [];
    for (const { file } of picked) {
      const picture = await shrinkImage(file, budgetBytes).catch(() => undefined);
      if (picture === undefined) {
        toast(t('composer.tooLarge', { name: file.name }), t('composer.tooLargeHint'));
        return undefined;
      }
      ready.push({ mimeType: picture.mimeType, fileName: file.name, content: toBase64(picture.bytes) });
    }
    return ready;
  };
  return { picked, add, remove, clear, prepare };
}

/** Object URLs keep their files in memory until they are given back. */
function useRevokeOnLeave(picked: readonly Picked[]): void {
  const shown = useRef<readonly Picked[]>([]);
  useEffect(() => {
    for (const old of shown.current) if (!picked.includes(old)) URL.revokeObjectURL(old.previewUrl);
    shown.current = picked;
  }, [picked]);
}
