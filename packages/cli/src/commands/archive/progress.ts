import type { Terminal } from '../../terminal.ts';

/** One line that overwrites itself; nothing where nobody watches. */
export type Progress = Readonly<{ show(text: string): void; end(): void }>;

export function createProgress({ stderr, isInteractive }: Terminal): Progress {
  const write = (text: string): void => void (isInteractive && stderr.write(`\r\u001B[2K${text}`));
  return { show: write, end: () => write('') };
}
