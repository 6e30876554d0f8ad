import { useState } from 'react';
import type { FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { LanguageSelect } from '../i18n/language-select.tsx';
import { ThemeButton } from '../theme/theme-button.tsx';
import { Logo } from '../ui/logo.tsx';
import { TokenField } from './token-field.tsx';

export type Problem = Readonly<{ text: string; hint: string }>;
type Props = Readonly<{
  busy: boolean;
  problem: Problem | undefined;
  onSubmit: (token: string, remember: boolean) => void;
}>;

export function SignIn({ busy, problem, onSubmit }: Props) {
  const { t } = useTranslation();
  const [token, setToken] = useState('');
  const [remember, setRemember] = useState(false);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (token.trim() !== '' && !busy) onSubmit(token.trim(), remember);
  };
  return (
    <main className="sign-in">
      <form className="sign-in-card" onSubmit={submit}>
        <div>
          <Logo size={44} />
          <h1>{t('signIn.title')}</h1>
        </div>
        <p>{t('signIn.lead')}</p>
        <div role="alert">{problem !== undefined && !busy && <ProblemBox problem={problem} />}</div>
        <TokenField token={token} onChange={setToken} />
        <label className="remember">
          <input type="checkbox" checked={remember} onChange={(event) => setRemember(event.target.checked)} />
          <span>{t('signIn.remember')}</span>
          <small>{t('signIn.rememberHint')}</small>
        </label>
        <button type="submit" className="button primary" disabled={busy}>
          {busy ? t('signIn.busy') : t('signIn.submit')}
        </button>
      </form>
      <footer className="sign-in-foot">
        <LanguageSelect />
        <ThemeButton />
      </footer>
    </main>
  );
}

function ProblemBox({ problem }: { problem: Problem }) {
  return (
    <div className="sign-in-problem">
      <strong>{problem.text}</strong>
      {problem.hint}
    </div>
  );
}
