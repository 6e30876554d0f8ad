import { useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { problemOf } from './auth/problem.ts';
import type { SignInSession } from './auth/sign-in-session.ts';
import { Splash } from './auth/splash.tsx';
import { SignIn } from './auth/sign-in.tsx';
import { DeskContext } from './connection/desk.ts';
import { ToastProvider } from './ui/toasts.tsx';
import { Workspace } from './workspace.tsx';

export function App({ session }: { session: SignInSession }) {
  const { t } = useTranslation();
  const { desk, trying, quiet, trouble } = useSyncExternalStore(session.subscribe, session.getSnapshot);
  if (quiet) return <Splash />;
  if (desk === undefined) {
    const submit = (token: string, remember: boolean): void => session.signIn(token, remember);
    return (
      <SignIn busy={trying && trouble === undefined} problem={problemOf(trouble, t)} onSubmit={submit} />
    );
  }
  return (
    <DeskContext value={desk}>
      <ToastProvider>
        <Workspace onSignOut={() => session.signOut()} />
      </ToastProvider>
    </DeskContext>
  );
}
