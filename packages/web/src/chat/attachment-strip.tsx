import { useTranslation } from 'react-i18next';
import { Icon } from '../ui/icon.tsx';
import type { Attachments } from './use-attachments.ts';

export function AttachmentStrip({ attachments }: { attachments: Attachments }) {
  const { t } = useTranslation();
  if (attachments.picked.length === 0) return null;
  return (
    <ul className="attachments">
      {attachments.picked.map(({ id, file, previewUrl }) => (
        <li key={id}>
          <img src={previewUrl} alt={t('chat.image', { name: file.name })} />
          <button
            type="button"
            aria-label={t('composer.remove', { name: file.name })}
            onClick={() => attachments.remove(id)}
          >
            <Icon name="close" size={14} />
          </button>
        </li>
      ))}
    </ul>
  );
}
