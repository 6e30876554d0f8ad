import { createContext, use, useCallback, useRef, useState } from 'react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from './icon.tsx';

type Toast = Readonly<{ id: number; text: string; hint?: string }>;
type ShowToast = (text: string, hint?: string) => void;

const SHOWN_AT_ONCE = 3;
const ToastContext = createContext<ShowToast>(() => undefined);

export function useToast(): ShowToast {
  return use(ToastContext);
}

/** Toasts stay until dismissed: an error that vanishes by itself is an error nobody can report. */
export function ToastProvider({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  const nextId = useRef(0);
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const show = useCallback<ShowToast>((text, hint) => {
    const toast: Toast = { id: nextId.current++, text, ...(hint === undefined ? {} : { hint }) };
    setToasts((old) => [...old.filter((o) => o.text !== text), toast].slice(-SHOWN_AT_ONCE));
  }, []);
  const dismiss = (id: number): void => setToasts((old) => old.filter((toast) => toast.id !== id));
  return (
    <ToastContext value={show}>
      {children}
      <div className="toasts" role="region" aria-label={t('toast.region')}>
        {toasts.map((toast) => (
          <div key={toast.id} className="toast" role="alert">
            <Icon name="alert" />
            <div className="toast-text">
              <p>{toast.text}</p>
              {toast.hint !== undefined && <p className="toast-hint">{toast.hint}</p>}
            </div>
            <button
              type="button"
              className="icon-button"
              aria-label={t('toast.dismiss')}
              onClick={() => dismiss(toast.id)}
            >
              <Icon name="close" size={16} />
            </button>
          </div>
        ))}
      </div>
    </ToastContext>
  );
}
