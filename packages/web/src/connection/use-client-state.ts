import { useCallback, useSyncExternalStore } from 'react';
import type { ClientState, MoltbotClient } from '@moltbot/client';

export function useClientState(client: MoltbotClient): ClientState {
  const subscribe = useCallback((listener: () => void) => client.on('state', listener), [client]);
  return useSyncExternalStore(subscribe, () => client.state);
}
