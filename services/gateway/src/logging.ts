import { logSettings, type LogControl } from '@moltbot/shared/telemetry';
import type { ConfigStore } from './adapters/config-store.ts';
import { openLogFile } from './adapters/log-file.ts';

/**
 * Level, patterns and file of the log follow the configuration. The file stays open to the end of
 * the process: whatever else runs in it may have last words.
 */
export function followLogging(
  logs: LogControl,
  store: ConfigStore,
  logFile: () => string | undefined,
  onProblem: (error: unknown) => void,
): void {
  let open: Readonly<{ path: string; close: () => void }> | undefined;
  const apply = (): void => {
    logs.apply(logSettings(store.current().config.logging));
    const path = logFile();
    if (path === open?.path) return;
    const before = open;
    open = path === undefined ? undefined : { path, close: addFile(logs, path, onProblem) };
    before?.close();
  };
  // what another gateway may write, this one perhaps may not: then the lines go where they went
  const applyIfPossible = (): void => {
    try {
      apply();
    } catch (error) {
      onProblem(error);
    }
  };
  applyIfPossible();
  store.onChange(applyIfPossible);
}

/** Sends the lines to a file as well, until what it returns is called. */
function addFile(logs: LogControl, path: string, onProblem: (error: unknown) => void): () => void {
  const file = openLogFile(path, onProblem);
  const removeSink = logs.addSink(file.write);
  return () => {
    removeSink();
    file[Symbol.dispose]();
  };
}
