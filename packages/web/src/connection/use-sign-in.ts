import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import type { ClientState, MoltbotClient } from '@moltbot/client';
import { openDesk } from './desk.ts';
import type { Desk } from './desk.ts';

/** A wrapper object, so that submitting the same token again is a new attempt. */
export type Credential = Readonly<{ token: string }>;

export function useOpenedDesk(credential: Credential | undefined): Desk | undefined {
  const [desk, setDesk] = useState<Desk>();
  useEffect(() => {
    if (credential === undefined) return undefined;
    const opened = openDesk(credential.token);
    setDesk(opened);
    return () => {
      opened.close();
      setDesk(undefined);
    };
  }, [credential]);
  return desk;
}

export function useClientState(client: MoltbotClient | undefined): ClientState | undefined {
  const subscribe = useCallback((listener: () => void) => client?.on('state', listener) ?? (() => undefined), [client]);
  return useSyncExternalStore(subscribe, () => client?.state);
}

/** Becomes true with the first hello and stays so: a later loss is the status line's to tell. */
export function useWelcomed(client: MoltbotClient | undefined): boolean {
  const [welcomed, setWelcomed] = useState<MoltbotClient>();
  useEffect(() => {
    if (client === undefined) return undefined;
    if (client.hello !== undefined) setWelcomed(client);
    return client.on('hello', () => setWelcomed(client));
  }, [client]);
  return client !== undefined && welcomed === client;
}
