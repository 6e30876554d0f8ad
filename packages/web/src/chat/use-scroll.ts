import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { RefObject } from 'react';

const NEAR_END_PX = 80;

type Scroll = Readonly<{
  viewport: RefObject<HTMLDivElement | null>;
  content: RefObject<HTMLDivElement | null>;
  atEnd: boolean;
  onScroll: () => void;
  toEnd: () => void;
}>;

/**
 * Follows the end while the reader is there, and never moves what they are reading:
 * neither by new text below nor by older messages put in above.
 */
export function useScroll({
  firstId,
  lastOwn,
}: {
  firstId: string | undefined;
  lastOwn: string | undefined;
}): Scroll {
  const viewport = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const sticks = useRef(true);
  const [atEnd, setAtEnd] = useState(true);

  const toEnd = useCallback(() => {
    sticks.current = true;
    const view = viewport.current;
    if (view) view.scrollTop = view.scrollHeight;
  }, []);
  const onScroll = useCallback(() => {
    const view = viewport.current;
    if (!view) return;
    sticks.current = view.scrollHeight - view.scrollTop - view.clientHeight < NEAR_END_PX;
    setAtEnd(sticks.current);
  }, []);

  useEffect(() => {
    const observer = new ResizeObserver(() => {
      if (sticks.current) toEnd();
      onScroll();
    });
    if (content.current) observer.observe(content.current);
    if (viewport.current) observer.observe(viewport.current);
    return () => observer.disconnect();
  }, [onScroll, toEnd]);

  useLayoutEffect(toEnd, [toEnd, lastOwn]);

  const before = useRef({ firstId, heightPx: 0 });
  useLayoutEffect(() => {
    const view = viewport.current;
    if (!view) return;
    const grewAbove = before.current.firstId !== firstId && before.current.heightPx > 0;
    if (grewAbove && !sticks.current) view.scrollTop += view.scrollHeight - before.current.heightPx;
    before.current = { firstId, heightPx: view.scrollHeight };
  });
  return { viewport, content, atEnd, onScroll, toEnd };
}
