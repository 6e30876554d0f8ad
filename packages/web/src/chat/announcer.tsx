import { useEffect, useEffectEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ChatMessage, ChatRun } from '@moltbot/client';
import { newSentences } from './sentences.ts';
import { incompleteness } from './timeline.ts';

const OPENING_MS = 300;
const PAUSE_MS = 2500;

type Props = Readonly<{ runs: readonly ChatRun[]; messages: readonly ChatMessage[] }>;

/**
 * Reads answers to a screen reader: whole sentences every few seconds instead of every
 * delta, and at the end whether the answer is complete.
 */
export function Announcer({ runs, messages }: Props) {
  const { t } = useTranslation();
  const [said, setSaid] = useState('');
  const run = runs.find(({ phase }) => phase !== 'queued') ?? runs[0];
  const runId = run?.runId;
  const textSoFar = useEffectEvent(() => run?.text ?? '');
  const endOf = useEffectEvent((heard: number, endedId: string) => {
    const answer = messages.findLast((m) => m.role === 'assistant' && m.runId === endedId);
    const why = answer && incompleteness(answer);
    const verdict =
      why === undefined ? t('chat.finished') : t(`chat.${why}`, { reason: answer?.errorMessage ?? '' });
    return `${newSentences(answer?.text ?? '', heard, true)} ${verdict}`;
  });

  useEffect(() => {
    if (runId === undefined) return undefined;
    let heard = 0;
    const speak = (): void => {
      const news = newSentences(textSoFar(), heard, false);
      heard += news.length;
      if (news.trim() !== '') setSaid(news);
    };
    const opening = setTimeout(() => setSaid(t('chat.answering')), OPENING_MS);
    const timer = setInterval(speak, PAUSE_MS);
    return () => {
      clearTimeout(opening);
      clearInterval(timer);
      setSaid(endOf(heard, runId));
    };
  }, [runId, t]);

  return (
    <div className="visually-hidden" aria-live="polite" aria-atomic="true">
      {said}
    </div>
  );
}
