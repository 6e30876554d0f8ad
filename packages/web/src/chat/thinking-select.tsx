import { useState, useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import type { Chat } from '@moltbot/client';
import { useDesk } from '../connection/desk.ts';
import { useReport } from '../connection/use-report.ts';
import { Select } from '../ui/select.tsx';

const AUTOMATIC = 'default';
const LEVELS = [AUTOMATIC, 'off', 'minimal', 'low', 'medium', 'high'] as const;

/** Belongs to the session, not to one message: the next page or device finds it as it was left. */
export function ThinkingSelect({ chat }: { chat: Chat }) {
  const { t } = useTranslation();
  const { client } = useDesk();
  const report = useReport();
  const [wanted, setWanted] = useState<string>();
  const { sessionKey, thinkingLevel } = useSyncExternalStore(chat.subscribe, chat.getSnapshot);
  const stored = LEVELS.find((level) => level === thinkingLevel) ?? AUTOMATIC;
  const change = async (level: string): Promise<void> => {
    setWanted(level);
    try {
      await client.request('sessions.patch', {
        key: sessionKey,
        thinkingLevel: level === AUTOMATIC ? null : level,
      });
      await chat.reload();
    } catch (error) {
      setWanted(undefined);
      report(error);
    }
  };
  const options = LEVELS.map((level) => ({ value: level, text: t(`thinking.${level}`) }));
  return (
    <Select
      label={t('thinking.label')}
      value={wanted ?? stored}
      options={options}
      onChange={(level) => void change(level)}
    />
  );
}
