import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ClientState } from '@moltbot/client';
import { forgetToken, storeToken } from './auth/credential.ts';
import { isTokenRefused, problemOf } from './auth/problem.ts';
import { SignIn } from './auth/sign-in.tsx';
import { DeskContext } from './connection/desk.ts';
import { useClientState, useOpenedDesk, useWelcomed } from './connection/use-sign-in.ts';
import type { Credential } from './connection/use-sign-in.ts';
import { ToastProvider } from './ui/toasts.tsx';
import { Workspace } from './workspace.tsx';

type Props = Readonly<{ initial: Credential | undefined }>;

export function App({ initial }: Props) {
  const { t } = useTranslation();
  const [credential, setCredential] = useState(initial);
  const [ending, setEnding] = useState<ClientState>();
  const desk = useOpenedDesk(credential);
  const state = useClientState(desk?.client);
  const welcomed = useWelcomed(desk?.client);

  useEffect(() => {
    if (state?.status !== 'closed' || credential === undefined) return;
    if (isTokenRefused(state)) forgetToken();
    setEnding(state);
    setCredential(undefined);
  }, [state, credential]);

  const signIn = (token: string, remember: boolean): void => {
    storeToken(token, remember);
    setEnding(undefined);
    setCredential({ token });
  };
  const signOut = (): void => {
    forgetToken();
    setEnding(undefined);
    setCredential(undefined);
  };

  if (desk === undefined || !welcomed) {
    const trying = credential !== undefined && state?.status !== 'waiting';
    return <SignIn busy={trying} problem={problemOf(credential === undefined ? ending : state, t)} onSubmit={signIn} />;
  }
  return (
    <DeskContext value={desk}>
      <ToastProvider>
        <Workspace onSignOut={signOut} />
      </ToastProvider>
    </DeskContext>
  );
}
