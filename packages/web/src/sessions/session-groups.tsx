import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import { walkWithArrows } from './arrow-keys.ts';
import { DAY_GROUPS, dayGroup } from './rows.ts';
import type { DayGroup, SessionRow } from './rows.ts';
import { SessionItem } from './session-row.tsx';
import type { Sessions } from './use-sessions.ts';
import { useTitle } from './use-title.ts';

type Props = Readonly<{
  sessions: Sessions;
  openKey: string;
  mainKey: string;
  onOpen: (key: string) => void;
  onRename: (row: SessionRow) => void;
  onDelete: (row: SessionRow) => void;
}>;

export function SessionGroups(props: Props) {
  const { sessions } = props;
  const { t } = useTranslation();
  const rows = withOpenOne(sessions, props.openKey);
  return (
    <nav className="session-groups" aria-label={t('sessions.region')} onKeyDown={walkWithArrows}>
      {DAY_GROUPS.map((group) => (
        <Group
          key={group}
          {...props}
          name={group}
          rows={rows.filter((row) => dayGroup(row.updatedAtMs, sessions.readAtMs) === group)}
        />
      ))}
      {rows.length === 0 && <EmptyNote sessions={sessions} />}
    </nav>
  );
}

/** A chat that was just begun is not on the server yet; it is listed all the same. */
function withOpenOne({ rows, search, loading, readAtMs }: Sessions, openKey: string): readonly SessionRow[] {
  if (search !== '' || loading || rows.some((row) => row.key === openKey)) return rows;
  const draft = { key: openKey, title: undefined, preview: undefined, updatedAtMs: readAtMs };
  return [{ ...draft, model: { provider: undefined, id: undefined } }, ...rows];
}

function Group({
  name,
  rows,
  openKey,
  mainKey,
  onOpen,
  onRename,
  onDelete,
}: Props & { name: DayGroup; rows: readonly SessionRow[] }) {
  const { t } = useTranslation();
  const titleOf = useTitle(mainKey);
  const headingId = useId();
  if (rows.length === 0) return null;
  return (
    <section aria-labelledby={headingId}>
      <h2 id={headingId} className="session-heading">
        {t(`sessions.${name}`)}
      </h2>
      <ul>
        {rows.map((row) => (
          <SessionItem
            key={row.key}
            row={row}
            title={titleOf(row)}
            isOpen={row.key === openKey}
            canDelete={row.key !== mainKey}
            onOpen={() => onOpen(row.key)}
            onRename={() => onRename(row)}
            onDelete={() => onDelete(row)}
          />
        ))}
      </ul>
    </section>
  );
}

function EmptyNote({ sessions }: Pick<Props, 'sessions'>) {
  const { t } = useTranslation();
  if (sessions.failed) {
    return (
      <p className="session-note" role="alert">
        {t('sessions.failed')}{' '}
        <button type="button" className="link-button" onClick={sessions.reload}>
          {t('sessions.retry')}
        </button>
      </p>
    );
  }
  if (sessions.loading) return <p className="session-note">{t('common.loading')}</p>;
  return (
    <p className="session-note">
      {sessions.search === '' ? t('sessions.none') : t('sessions.noMatch', { text: sessions.search })}
    </p>
  );
}
