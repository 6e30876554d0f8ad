import { useCallback, useSyncExternalStore } from 'react';

const PREFIX = '#/chat/';

/** The open session lives in the address, so that reload, back and a bookmark keep it. */
export function sessionInAddress(hash: string): string | undefined {
  if (!hash.startsWith(PREFIX)) return undefined;
  try {
    return decodeURIComponent(hash.slice(PREFIX.length)).toLowerCase() || undefined;
  } catch {
    return undefined; // a broken escape that somebody typed
  }
}

export function newSessionKey(agentId: string): string {
  return `agent:${agentId}:web-${crypto.randomUUID()}`;
}

export function useRoute(fallback: string): readonly [string, (key: string) => void] {
  const key = useSyncExternalStore(
    (listener) => {
      window.addEventListener('hashchange', listener);
      return () => window.removeEventListener('hashchange', listener);
    },
    () => sessionInAddress(location.hash),
  );
  const open = useCallback((next: string) => {
    location.hash = `${PREFIX}${encodeURIComponent(next)}`;
  }, []);
  return [key ?? fallback, open];
}
