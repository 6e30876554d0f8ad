import { runUntilSignal } from '@moltbot/shared/runtime';
import { readConfig } from './config.ts';
import { startSessionStore } from './session-store.ts';

const FORCED_EXIT_AFTER_MS = 25_000;

await runUntilSignal(async () => await startSessionStore(readConfig(process.env)), FORCED_EXIT_AFTER_MS);
