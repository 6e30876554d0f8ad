import { useState } from 'react';
import type { RefObject } from 'react';
import { useTranslation } from 'react-i18next';
import { LanguageSelect } from '../i18n/language-select.tsx';
import { ThemeButton } from '../theme/theme-button.tsx';
import { Confirm } from '../ui/confirm.tsx';
import { Icon } from '../ui/icon.tsx';
import { Logo } from '../ui/logo.tsx';
import { intoTheList } from './arrow-keys.ts';
import { Rename } from './rename.tsx';
import type { SessionRow } from './rows.ts';
import { SessionGroups } from './session-groups.tsx';
import { useTitle } from './use-title.ts';
import type { Sessions } from './use-sessions.ts';

type Props = Readonly<{
  sessions: Sessions;
  openKey: string;
  mainKey: string;
  searchRef: RefObject<HTMLInputElement | null>;
  onOpen: (key: string) => void;
  onNew: () => void;
  onDeleted: (key: string) => void;
  onCloseDrawer: () => void;
  onSignOut: () => void;
}>;

type Asking = Readonly<{ what: 'rename' | 'delete'; row: SessionRow }>;

export function Sidebar(props: Props) {
  const { sessions, mainKey, searchRef } = props;
  const { t } = useTranslation();
  const titleOf = useTitle(mainKey);
  const [asking, setAsking] = useState<Asking>();
  const done = (): void => setAsking(undefined);
  return (
    <aside id="sidebar" className="sidebar" aria-label={t('sessions.region')}>
      <div className="sidebar-head">
        <Logo />
        <span className="product-name">{t('app.name')}</span>
        <button
          type="button"
          className="icon-button drawer-only"
          id="close-drawer"
          aria-label={t('sessions.close')}
          onClick={props.onCloseDrawer}
        >
          <Icon name="close" />
        </button>
      </div>
      <button type="button" className="button new-chat" onClick={props.onNew}>
        <Icon name="plus" />
        {t('sessions.new')}
      </button>
      <Search sessions={sessions} searchRef={searchRef} />
      <SessionGroups
        sessions={sessions}
        openKey={props.openKey}
        mainKey={mainKey}
        onOpen={props.onOpen}
        onRename={(row) => setAsking({ what: 'rename', row })}
        onDelete={(row) => setAsking({ what: 'delete', row })}
      />
      <SidebarFoot onSignOut={props.onSignOut} />
      {asking?.what === 'rename' && (
        <Rename
          title={titleOf(asking.row)}
          onRename={(name) => void sessions.rename(asking.row.key, name)}
          onClose={done}
        />
      )}
      {asking?.what === 'delete' && (
        <Confirm
          title={t('sessions.deleteTitle')}
          text={t('sessions.deleteText', { title: titleOf(asking.row) })}
          action={t('sessions.deleteAction')}
          onConfirm={() =>
            void sessions.remove(asking.row.key).then((gone) => gone && props.onDeleted(asking.row.key))
          }
          onClose={done}
        />
      )}
    </aside>
  );
}

function Search({ sessions, searchRef }: Pick<Props, 'sessions' | 'searchRef'>) {
  const { t } = useTranslation();
  return (
    <div className="search">
      <Icon name="search" size={16} />
      <input
        ref={searchRef}
        type="search"
        value={sessions.search}
        placeholder={t('sessions.search')}
        aria-label={t('sessions.search')}
        aria-keyshortcuts="Control+K Meta+K"
        onChange={(event) => sessions.find(event.target.value)}
        onKeyDown={intoTheList}
      />
      <kbd aria-hidden="true">{/Mac|iP/.test(navigator.userAgent) ? '⌘K' : 'Ctrl K'}</kbd>
    </div>
  );
}

function SidebarFoot({ onSignOut }: Pick<Props, 'onSignOut'>) {
  const { t } = useTranslation();
  return (
    <div className="sidebar-foot">
      <LanguageSelect />
      <ThemeButton />
      <button
        type="button"
        className="icon-button"
        aria-label={t('signIn.signOut')}
        title={t('signIn.signOut')}
        onClick={onSignOut}
      >
        <Icon name="leave" />
      </button>
    </div>
  );
}
