import type { KeyboardEvent } from 'react';

const STEP: Readonly<Record<string, (at: number, count: number) => number>> = {
  ArrowDown: (at, count) => Math.min(at + 1, count - 1),
  ArrowUp: (at) => Math.max(at - 1, 0),
  Home: () => 0,
  End: (_at, count) => count - 1,
};

const SESSION = '.session-open';

/** Arrow keys walk over the sessions in the element; Tab still reaches everything. */
export function walkWithArrows(event: KeyboardEvent<HTMLElement>): void {
  const step = STEP[event.key];
  if (step === undefined || event.altKey || event.metaKey || event.ctrlKey) return;
  const items = [...event.currentTarget.querySelectorAll<HTMLElement>(SESSION)];
  if (items.length === 0) return;
  event.preventDefault();
  const at = items.findIndex((item) => item.parentElement?.contains(document.activeElement));
  items[step(at, items.length)]?.focus();
}

/** From the search field, Down goes to what was found. */
export function intoTheList(event: KeyboardEvent<HTMLElement>): void {
  if (event.key !== 'ArrowDown' || event.nativeEvent.isComposing) return;
  event.preventDefault();
  document.querySelector<HTMLElement>(SESSION)?.focus();
}
