const KEY = 'moltbot.token';

/** Reads `?token=` once and removes it, so it stays out of history, bookmarks and referrers. */
export function takeTokenFromAddress(location: Location, history: History): string | undefined {
  const url = new URL(location.href);
  const token = url.searchParams.get('token')?.trim();
  if (!url.searchParams.has('token')) return undefined;
  url.searchParams.delete('token');
  history.replaceState(history.state, '', url);
  return token === '' ? undefined : token;
}

export function storedToken(): string | undefined {
  return sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY) ?? undefined;
}

/** A tab's memory by default; the device's only when the person ticks "remember me". */
export function storeToken(token: string, remember: boolean): void {
  forgetToken();
  (remember ? localStorage : sessionStorage).setItem(KEY, token);
}

export function forgetToken(): void {
  sessionStorage.removeItem(KEY);
  localStorage.removeItem(KEY);
}
