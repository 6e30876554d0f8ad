/** What was typed and not sent, by session: this page's memory only, forgotten at sign-out. */
const drafts = new Map<string, string>();

export function draftOf(sessionKey: string): string {
  return drafts.get(sessionKey) ?? '';
}

export function keepDraft(sessionKey: string, text: string): void {
  if (text === '') drafts.delete(sessionKey);
  else drafts.set(sessionKey, text);
}

export function forgetDrafts(): void {
  drafts.clear();
}
