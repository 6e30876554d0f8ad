export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const KEY = 'moltbot.theme';

function isTheme(value: string | null): value is Theme {
  return THEMES.some((theme) => theme === value);
}

export function storedTheme(): Theme {
  const value = localStorage.getItem(KEY);
  return isTheme(value) ? value : 'system';
}

/** The stylesheet reads `data-theme`; without it the system's preference decides. */
export function applyTheme(theme: Theme): void {
  const root = document.documentElement;
  if (theme === 'system') {
    localStorage.removeItem(KEY);
    delete root.dataset['theme'];
    return;
  }
  localStorage.setItem(KEY, theme);
  root.dataset['theme'] = theme;
}
