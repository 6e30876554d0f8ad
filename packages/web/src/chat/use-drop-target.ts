import { useEffect, useEffectEvent, useState } from 'react';

/** The whole window takes dropped files; without this the browser would leave the page for the image. */
export function useDropTarget(onFiles: (files: Iterable<File>) => void): boolean {
  const [dragging, setDragging] = useState(false);
  const take = useEffectEvent(onFiles);
  useEffect(() => {
    const over = (event: DragEvent): void => {
      if (event.dataTransfer?.types.includes('Files') !== true) return;
      event.preventDefault();
      setDragging(true);
    };
    const leave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setDragging(false);
    };
    const drop = (event: DragEvent): void => {
      const files = event.dataTransfer?.files;
      if (files === undefined || files.length === 0) return;
      event.preventDefault();
      setDragging(false);
      take(files);
    };
    const heard = [
      ['dragover', over],
      ['dragleave', leave],
      ['drop', drop],
    ] as const;
    for (const [name, listener] of heard) window.addEventListener(name, listener);
    return () => {
      for (const [name, listener] of heard) window.removeEventListener(name, listener);
    };
  }, []);
  return dragging;
}
