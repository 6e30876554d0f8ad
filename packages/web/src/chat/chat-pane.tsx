import { useEffect, useSyncExternalStore } from 'react';
import type { ReactNode } from 'react';
import type { Chat } from '@moltbot/client';
import { useReport } from '../connection/use-report.ts';
import { StatusLine } from '../connection/status-line.tsx';
import { Announcer } from './announcer.tsx';
import { ChatHeader } from './chat-header.tsx';
import { Composer } from './composer.tsx';
import { EmptyState } from './empty-state.tsx';
import { LoadProblem } from './load-problem.tsx';
import { MessageList } from './message-list.tsx';
import type { Drawer } from '../use-drawer.ts';
import type { ModelView } from './use-models.ts';

type Props = Readonly<{
  chat: Chat;
  title: string;
  model: ModelView | undefined;
  drawer: Drawer;
  onReset: () => Promise<boolean>;
}>;

export function ChatPane({ chat, title, model, drawer, onReset }: Props) {
  const snapshot = useSyncExternalStore(chat.subscribe, chat.getSnapshot);
  const report = useReport();
  const { messages, runs, loading, error } = snapshot;
  const stop = (): void => void chat.abort().catch(report);
  useEscape(runs.length > 0, stop);
  const isEmpty = messages.length === 0 && runs.length === 0;
  const isKnown = loading !== 'initial' && error === undefined;
  const reset = async (): Promise<void> => {
    if (await onReset()) await chat.reload();
  };
  return (
    <main className="chat" inert={drawer.isOpen}>
      <ChatHeader
        canReset={messages.length > 0}
        title={title}
        model={model}
        onReset={reset}
        onOpenDrawer={drawer.open}
      />
      <StatusLine />
      {error !== undefined && <LoadProblem error={error} onRetry={() => void chat.reload()} />}
      {isEmpty ? (
        <Blank>{isKnown && <EmptyState onAsk={(text) => chat.send(text)} />}</Blank>
      ) : (
        <MessageList chat={chat} snapshot={snapshot} />
      )}
      <Composer chat={chat} isRunning={runs.length > 0} onStop={stop} />
      <Announcer runs={runs} messages={messages} />
    </main>
  );
}

/** Keeps the composer at the bottom while there is nothing to show. */
function Blank({ children }: { children: ReactNode }) {
  return <div className="blank">{children}</div>;
}

/** Escape stops the answer, unless something nearer (a dialog, an input method) takes it. */
function useEscape(active: boolean, stop: () => void): void {
  useEffect(() => {
    if (!active) return undefined;
    const listen = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape' || event.defaultPrevented || event.isComposing) return;
      if (event.target instanceof HTMLInputElement) return; // the search field, which Escape clears
      if (document.querySelector('dialog[open]') === null) stop();
    };
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  });
}
