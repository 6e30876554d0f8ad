import { useTranslation } from 'react-i18next';
import { Icon } from '../ui/icon.tsx';
import type { SessionRow } from './rows.ts';

type Props = Readonly<{
  row: SessionRow;
  title: string;
  isOpen: boolean;
  canDelete: boolean;
  onOpen: () => void;
  onRename: () => void;
  onDelete: () => void;
}>;

export function SessionItem({ row, title, isOpen, canDelete, onOpen, onRename, onDelete }: Props) {
  const { t } = useTranslation();
  return (
    <li className="session" data-open={isOpen}>
      <button
        type="button"
        className="session-open"
        aria-current={isOpen ? 'page' : undefined}
        onClick={onOpen}
      >
        <span className="session-title">{title}</span>
        {row.preview !== undefined && row.preview !== title && (
          <span className="session-preview">{row.preview}</span>
        )}
      </button>
      <div className="session-actions">
        <button
          type="button"
          className="icon-button"
          aria-label={t('sessions.rename', { title })}
          onClick={onRename}
        >
          <Icon name="pencil" size={16} />
        </button>
        {canDelete && (
          <button
            type="button"
            className="icon-button"
            aria-label={t('sessions.delete', { title })}
            onClick={onDelete}
          >
            <Icon name="trash" size={16} />
          </button>
        )}
      </div>
    </li>
  );
}
