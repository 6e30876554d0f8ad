import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ChatMessage, ChatRun } from '@moltbot/client';
import { newSentences } from './sentences.ts';
import { incompleteness } from './timeline.ts';

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
  const latest = useRef('');
  latest.current = run?.text ?? '';
  const runId = run?.runId;
  const ended = useRef(messages);
  ended.current = messages;

  useEffect(() => {
    if (runId === undefined) return undefined;
    let heard = 0;
    const speak = (text: string, isWhole: boolean): void => {
      const news = newSentences(text, heard, isWhole);
      heard += news.length;
      if (news.trim() !== '') setSaid(news);
    };
    setSaid(t('chat.answering'));
    const timer = setInterval(() => speak(latest.current, false), PAUSE_MS);
    return () => {
      clearInterval(timer);
      const answer = ended.current.findLast((m) => m.role === 'assistant' && m.runId === runId);
      const why = answer === undefined ? undefined : incompleteness(answer);
      const rest = newSentences(answer?.text ?? '', heard, true);
      setSaid(`${rest} ${why === undefined ? t('chat.finished') : t(`chat.${why}`, { reason: answer?.errorMessage ?? '' })}`);
    };
  }, [runId, t]);

  return (
    <div className="visually-hidden" aria-live="polite" aria-atomic="true">
      {said}
    </div>
  );
}
