import type { ClientState } from '@moltbot/client';
import type { Desk } from '../connection/desk.ts';
import { openDesk } from '../connection/desk.ts';
import { forgetToken, storeToken } from './credential.ts';
import { isTokenRefused } from './problem.ts';

export type SignInSnapshot = Readonly<{
  /** Only once the server has said hello; a later loss keeps it, the status line tells. */
  desk: Desk | undefined;
  trying: boolean;
  /** A remembered sign-in on its first try. */
  quiet: boolean;
  /** Where an attempt that did not succeed stands. */
  trouble: ClientState | undefined;
}>;

const SIGNED_OUT: SignInSnapshot = { desk: undefined, trying: false, quiet: false, trouble: undefined };

/** Who is signed in, outside of React: connections must not depend on what is on screen. */
export class SignInSession {
  readonly #listeners = new Set<() => void>();
  #snapshot = SIGNED_OUT;
  #close: () => void = () => undefined;

  readonly getSnapshot = (): SignInSnapshot => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  signIn(token: string, remember: boolean): void {
    storeToken(token, remember);
    this.start(token, false);
  }

  signOut(): void {
    forgetToken();
    this.#leave();
    this.#set(SIGNED_OUT);
  }

  start(token: string, quiet: boolean): void {
    this.#leave();
    this.#set({ desk: undefined, trying: true, quiet, trouble: undefined });
    const desk = openDesk(token);
    const unlisten = [
      desk.client.on('hello', () => this.#set({ ...SIGNED_OUT, desk })),
      desk.client.on('state', (state) => this.#stateChanged(state)),
    ];
    this.#close = () => {
      for (const stop of unlisten) stop();
      desk.close();
    };
  }

  #stateChanged(state: ClientState): void {
    if (state.status === 'waiting' && this.#snapshot.desk === undefined) {
      this.#set({ ...SIGNED_OUT, trying: true, trouble: state });
    }
    if (state.status !== 'closed') return;
    if (isTokenRefused(state)) forgetToken();
    this.#leave();
    this.#set({ ...SIGNED_OUT, trouble: state });
  }

  #leave(): void {
    this.#close();
    this.#close = () => undefined;
  }

  #set(snapshot: SignInSnapshot): void {
    this.#snapshot = snapshot;
    for (const listener of [...this.#listeners]) listener();
  }
}
