import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ChatPane } from './chat/chat-pane.tsx';
import { useModels } from './chat/use-models.ts';
import { useDesk } from './connection/desk.ts';
import { newSessionKey, useRoute } from './sessions/route.ts';
import { Sidebar } from './sessions/sidebar.tsx';
import { useSessions } from './sessions/use-sessions.ts';
import { useTitle } from './sessions/use-title.ts';

export function Workspace({ onSignOut }: { onSignOut: () => void }) {
  const { t } = useTranslation();
  const desk = useDesk();
  const { mainKey, agentId } = useDefaults();
  const [openKey, setOpenKey] = useRoute(mainKey);
  const sessions = useSessions(desk);
  const models = useModels(desk.client);
  const [drawer, setDrawer] = useState(false);
  const search = useSearchShortcut(() => setDrawer(true));
  const titleOf = useTitle(mainKey);

  const open = (key: string): void => {
    setOpenKey(key);
    setDrawer(false);
  };
  const row = sessions.rows.find(({ key }) => key === openKey);
  const title = titleOf(row ?? { key: openKey, title: undefined });
  useEffect(() => {
    document.title = `${title} · ${t('app.name')}`;
  }, [title, t]);

  return (
    <div className="workspace" data-drawer={drawer}>
      <a className="skip-link" href="#composer" onClick={focusComposer}>
        {t('app.skip')}
      </a>
      <Sidebar
        sessions={sessions}
        openKey={openKey}
        mainKey={mainKey}
        searchRef={search}
        onOpen={open}
        onNew={() => open(newSessionKey(agentId))}
        onDeleted={(key) => {
          desk.chats.drop(key);
          if (key === openKey) open(mainKey);
        }}
        onCloseDrawer={() => setDrawer(false)}
        onSignOut={onSignOut}
      />
      <div className="scrim" aria-hidden="true" onClick={() => setDrawer(false)} />
      <ChatPane
        key={openKey}
        chat={desk.chats.get(openKey)}
        title={title}
        model={models.describe(row?.model.id === undefined ? sessions.defaultModel : row.model)}
        onReset={() => sessions.reset(openKey)}
        drawer={drawer}
        onOpenDrawer={() => setDrawer(true)}
      />
    </div>
  );
}

/** Not a real jump: the address belongs to the open session. */
function focusComposer(event: { preventDefault: () => void }): void {
  event.preventDefault();
  document.getElementById('composer')?.focus();
}

function useDefaults(): { mainKey: string; agentId: string } {
  const defaults = useDesk().client.hello?.snapshot.sessionDefaults;
  const agentId = defaults?.['defaultAgentId'];
  return { mainKey: defaults?.mainSessionKey ?? 'agent:main:main', agentId: typeof agentId === 'string' ? agentId : 'main' };
}

function useSearchShortcut(onUse: () => void) {
  const ref = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey) || event.altKey) return;
      event.preventDefault();
      onUse();
      ref.current?.focus();
      ref.current?.select();
    };
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  });
  return ref;
}
