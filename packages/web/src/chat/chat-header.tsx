import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Confirm } from '../ui/confirm.tsx';
import { Icon } from '../ui/icon.tsx';
import type { ModelView } from './use-models.ts';

type Props = Readonly<{
  canReset: boolean;
  title: string;
  model: ModelView | undefined;
  onReset: () => Promise<void>;
  onOpenDrawer: () => void;
}>;

export function ChatHeader({ canReset, title, model, onReset, onOpenDrawer }: Props) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState(false);
  return (
    <header className="chat-header">
      <button
        type="button"
        className="icon-button drawer-only"
        aria-label={t('sessions.open')}
        aria-controls="sidebar"
        onClick={onOpenDrawer}
      >
        <Icon name="menu" />
      </button>
      <div className="chat-heading">
        <h1>{title}</h1>
        {model !== undefined && <ModelLabel model={model} />}
      </div>
      <button
        type="button"
        className="icon-button"
        aria-label={t('sessions.reset')}
        title={t('sessions.reset')}
        disabled={!canReset}
        onClick={() => setAsking(true)}
      >
        <Icon name="refresh" />
      </button>
      {asking && (
        <Confirm
          title={t('sessions.resetTitle')}
          text={t('sessions.resetText')}
          action={t('sessions.resetAction')}
          onConfirm={() => void onReset()}
          onClose={() => setAsking(false)}
        />
      )}
    </header>
  );
}

function ModelLabel({ model }: { model: ModelView }) {
  const { t } = useTranslation();
  if (model.isDemo) {
    return (
      <p className="model" title={t('model.demoHint')}>
        <span className="badge">{t('model.demo')}</span>
        <span className="model-name">{t('model.demoShort')}</span>
      </p>
    );
  }
  return (
    <p className="model">
      <span className="visually-hidden">{t('model.label', { name: model.name })}</span>
      <span className="model-name" aria-hidden="true">
        {model.name}
      </span>
    </p>
  );
}
