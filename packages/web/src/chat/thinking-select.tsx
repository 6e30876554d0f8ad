import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Chat, ChatSnapshot } from '@moltbot/client';
import { useDesk } from '../connection/desk.ts';
import { useReport } from '../connection/use-report.ts';

const LEVELS = ['off', 'minimal', 'low', 'medium', 'high'] as const;
const AUTOMATIC = 'default';

type Props = Readonly<{ chat: Chat; snapshot: ChatSnapshot }>;

export function ThinkingSelect({ chat, snapshot }: Props) {
  const { t } = useTranslation();
  const { client } = useDesk();
  const report = useReport();
  const [wanted, setWanted] = useState<string>();
  const stored = LEVELS.find((level) => level === snapshot.thinkingLevel) ?? AUTOMATIC;
  const change = async (level: string): Promise<void> => {
    setWanted(level);
    try {
      await client.request('sessions.patch', {
        key: snapshot.sessionKey,
        thinkingLevel: level === AUTOMATIC ? null : level,
      });
      await chat.reload();
    } catch (error) {
      setWanted(undefined);
      report(error);
    }
  };
  return (
    <select
      className="select thinking"
      aria-label={t('thinking.label')}
      value={wanted ?? stored}
      onChange={(event) => void change(event.target.value)}
    >
      {[AUTOMATIC, ...LEVELS].map((level) => (
        <option key={level} value={level}>
          {t(`thinking.${level}` as 'thinking.default')}
        </option>
      ))}
    </select>
  );
}
