import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { ChatPane } from './chat/chat-pane.tsx';
import { focusComposer } from './chat/composer-field.tsx';
import { useModels } from './chat/use-models.ts';
import { useDesk } from './connection/desk.ts';
import { newSessionKey, useRoute } from './sessions/route.ts';
import { Sidebar } from './sessions/sidebar.tsx';
import { useSessions } from './sessions/use-sessions.ts';
import { useTitle } from './sessions/use-title.ts';
import { useDrawer } from './use-drawer.ts';

export function Workspace({ onSignOut }: { onSignOut: () => void }) {
  const { t } = useTranslation();
  const desk = useDesk();
  const { mainKey, agentId } = useDefaults();
  const [openKey, setOpenKey] = useRoute(mainKey);
  const sessions = useSessions(desk);
  const models = useModels(desk.client);
  const drawer = useDrawer();
  const search = useSearchShortcut(drawer.open);
  const titleOf = useTitle(mainKey);

  const open = (key: string): void => {
    setOpenKey(key);
    drawer.close();
  };
  const row = sessions.rows.find(({ key }) => key === openKey);
  const title = titleOf(row ?? { key: openKey, title: undefined });
  useEffect(() => {
    document.title = `${title} · ${t('app.name')}`;
  }, [title, t]);

  return (
    <div className="workspace" data-drawer={drawer.isOpen}>
      <a className="skip-link" href="#composer" onClick={skipToComposer}>
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
        onCloseDrawer={drawer.close}
        onSignOut={onSignOut}
      />
      <div className="scrim" aria-hidden="true" onClick={drawer.close} />
      <ChatPane
        key={openKey}
        chat={desk.chats.get(openKey)}
        title={title}
        model={models.describe(row?.model.id === undefined ? sessions.defaultModel : row.model)}
        onReset={() => sessions.reset(openKey)}
        drawer={drawer}
      />
    </div>
  );
}

/** Not a real jump: the address belongs to the open session. */
function skipToComposer(event: { preventDefault: () => void }): void {
  event.preventDefault();
  focusComposer();
}

function useDefaults(): { mainKey: string; agentId: string } {
  const defaults = useDesk().client.hello?.snapshot.sessionDefaults;
  const agentId = defaults?.['defaultAgentId'];
  return {
    mainKey: defaults?.mainSessionKey ?? 'agent:main:main',
    agentId: typeof agentId === 'string' ? agentId : 'main',
  };
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
