import { useMemo, useSyncExternalStore } from 'react';
import type { Desk } from '../connection/desk.ts';
import { useReport } from '../connection/use-report.ts';
import type { SessionListSnapshot } from './session-list.ts';

export type Sessions = SessionListSnapshot &
  Readonly<{
    find: (text: string) => void;
    reload: () => void;
    rename: (key: string, label: string) => Promise<void>;
    remove: (key: string) => Promise<boolean>;
    reset: (key: string) => Promise<boolean>;
  }>;

export function useSessions({ client, sessions: list }: Desk): Sessions {
  const report = useReport();
  const snapshot = useSyncExternalStore(list.subscribe, list.getSnapshot);

  return useMemo(() => {
    const change = async (method: string, params: object): Promise<boolean> => {
      try {
        await client.request(method, params);
        return true;
      } catch (error) {
        report(error);
        return false;
      } finally {
        list.refreshSoon();
      }
    };
    return {
      ...snapshot,
      find: (text) => list.search(text),
      reload: () => void list.refresh(),
      rename: async (key, label) =>
        void (await change('sessions.patch', { key, label: label === '' ? null : label })),
      remove: (key) => change('sessions.delete', { key }),
      reset: (key) => change('sessions.reset', { key }),
    };
  }, [client, list, report, snapshot]);
}
