import { useEffect, useSyncExternalStore } from 'react';
import type { Chat } from '@moltbot/client';
import { useReport } from '../connection/use-report.ts';
import { StatusLine } from '../connection/status-line.tsx';
import { Announcer } from './announcer.tsx';
import { ChatHeader } from './chat-header.tsx';
import { Composer } from './composer.tsx';
import { EmptyState } from './empty-state.tsx';
import { LoadProblem } from './load-problem.tsx';
import { MessageList } from './message-list.tsx';
import type { ModelView } from './use-models.ts';

type Props = Readonly<{
  chat: Chat;
  title: string;
  model: ModelView | undefined;
  drawer: boolean;
  onReset: () => Promise<boolean>;
  onOpenDrawer: () => void;
}>;

export function ChatPane({ chat, title, model, drawer, onReset, onOpenDrawer }: Props) {
  const snapshot = useSyncExternalStore(chat.subscribe, chat.getSnapshot);
  const report = useReport();
  const { messages, runs, loading, error } = snapshot;
  const stop = (): void => void chat.abort().catch(report);
  useEscape(runs.length > 0, stop);
  const isEmpty = messages.length === 0 && runs.length === 0;
  const reset = async (): Promise<void> => {
    if (await onReset()) await chat.reload();
  };
  return (
    <main className="chat" inert={drawer}>
      <ChatHeader chat={chat} snapshot={snapshot} title={title} model={model} onReset={reset} onOpenDrawer={onOpenDrawer} />
      <StatusLine />
      {isEmpty && error === undefined && loading !== 'initial' && <EmptyState onAsk={(text) => chat.send(text)} />}
      {error !== undefined && <LoadProblem error={error} onRetry={() => void chat.reload()} />}
      {isEmpty ? <div className="chat-filler" /> : <MessageList chat={chat} snapshot={snapshot} />}
      <Composer chat={chat} isRunning={runs.length > 0} onStop={stop} />
      <Announcer runs={runs} messages={messages} />
    </main>
  );
}

/** Escape stops the answer, unless something nearer (a dialog, an input method) takes it. */
function useEscape(active: boolean, stop: () => void): void {
  useEffect(() => {
    if (!active) return undefined;
    const listen = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape' || event.defaultPrevented || event.isComposing) return;
      if (document.querySelector('dialog[open]') === null) stop();
    };
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  });
}
