import { useCallback, useEffect, useState } from 'react';
import { flushSync } from 'react-dom';
import { useMedia } from './ui/use-media.ts';

/** The same width as in styles/workspace.css. */
const NARROW = '(max-width: 52rem)';

export type Drawer = Readonly<{ isOpen: boolean; open: () => void; close: () => void }>;

/** On a narrow screen the list of sessions is a drawer over the chat; on a wide one it is always there. */
export function useDrawer(): Drawer {
  const isNarrow = useMedia(NARROW);
  const [wanted, setWanted] = useState(false);
  const isOpen = wanted && isNarrow;
  // Rendered at once, because the caller wants to put the focus into it.
  const open = useCallback(() => flushSync(() => setWanted(true)), []);
  const close = useCallback(() => setWanted(false), []);

  useEffect(() => {
    if (!isOpen) return undefined;
    const openedFrom = document.activeElement;
    document.getElementById('close-drawer')?.focus();
    const listen = (event: KeyboardEvent): void => {
      if (event.key === 'Escape' && document.querySelector('dialog[open]') === null) close();
    };
    document.addEventListener('keydown', listen);
    return () => {
      document.removeEventListener('keydown', listen);
      if (openedFrom instanceof HTMLElement) openedFrom.focus();
    };
  }, [isOpen, close]);
  return { isOpen, open, close };
}
