import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';

export function TokenField({ token, onChange }: { token: string; onChange: (token: string) => void }) {
  const { t } = useTranslation();
  const id = useId();
  const [shown, setShown] = useState(false);
  return (
    <div>
      <label className="field-label" htmlFor={id}>
        {t('signIn.token')}
      </label>
      <div className="token-field">
        <input
          id={id}
          className="field"
          type={shown ? 'text' : 'password'}
          name="token"
          value={token}
          placeholder={t('signIn.placeholder')}
          autoComplete="current-password"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          required
          onChange={(event) => onChange(event.target.value)}
        />
        <button type="button" className="link-button" onClick={() => setShown(!shown)}>
          {shown ? t('signIn.hide') : t('signIn.show')}
        </button>
      </div>
    </div>
  );
}
