import { useState } from 'react';
import type { FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { Modal } from '../ui/modal.tsx';

const MAX_LABEL_LENGTH = 64;

type Props = Readonly<{ title: string; onRename: (label: string) => void; onClose: () => void }>;

export function Rename({ title, onRename, onClose }: Props) {
  const { t } = useTranslation();
  const [name, setName] = useState(title.slice(0, MAX_LABEL_LENGTH));
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onRename(name.trim());
    onClose();
  };
  return (
    <Modal title={t('sessions.renameTitle')} onClose={onClose}>
      <form onSubmit={submit}>
        <label>
          {t('sessions.renameField')}
          <input
            className="field"
            value={name}
            maxLength={MAX_LABEL_LENGTH}
            autoFocus
            onFocus={(event) => event.target.select()}
            onChange={(event) => setName(event.target.value)}
          />
        </label>
        <div className="modal-actions">
          <button type="button" className="button" onClick={onClose}>
            {t('common.cancel')}
          </button>
          <button type="submit" className="button primary">
            {t('common.save')}
          </button>
        </div>
      </form>
    </Modal>
  );
}
