import { useTranslation } from 'react-i18next';
import { Modal } from './modal.tsx';

type Props = Readonly<{
  title: string;
  text: string;
  action: string;
  onConfirm: () => void;
  onClose: () => void;
}>;

/** The safe answer has the focus: an Enter typed too early destroys nothing. */
export function Confirm({ title, text, action, onConfirm, onClose }: Props) {
  const { t } = useTranslation();
  return (
    <Modal title={title} onClose={onClose}>
      <p>{text}</p>
      <div className="modal-actions">
        <button type="button" className="button" autoFocus onClick={onClose}>
          {t('common.cancel')}
        </button>
        <button
          type="button"
          className="button danger"
          onClick={() => {
            onConfirm();
            onClose();
          }}
        >
          {action}
        </button>
      </div>
    </Modal>
  );
}
