import { useTranslation } from 'react-i18next';
import { Logo } from '../ui/logo.tsx';

/** While a remembered sign-in is tried; the form would only flash up and vanish. */
export function Splash() {
  const { t } = useTranslation();
  return (
    <main className="splash">
      <Logo size={44} />
      <p className="visually-hidden" role="status">
        {t('status.connecting')}
      </p>
    </main>
  );
}
