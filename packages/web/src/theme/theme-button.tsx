import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../ui/icon.tsx';
import { applyTheme, storedTheme, THEMES } from './theme.ts';
import type { Theme } from './theme.ts';

const ICON_OF = { system: 'monitor', light: 'sun', dark: 'moon' } as const;

/** One button that walks through system, light and dark, and always says which is on. */
export function ThemeButton() {
  const { t } = useTranslation();
  const [theme, setTheme] = useState<Theme>(storedTheme);
  const change = (): void => {
    const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system';
    applyTheme(next);
    setTheme(next);
  };
  const label = t('theme.label', { theme: t(`theme.${theme}`) });
  return (
    <button type="button" className="icon-button" onClick={change} aria-label={label} title={label}>
      <Icon name={ICON_OF[theme]} />
    </button>
  );
}
