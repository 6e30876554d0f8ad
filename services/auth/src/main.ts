import { runUntilSignal } from '@moltbot/shared/runtime';
import { startAuth } from './auth.ts';
import { readConfig } from './config.ts';

const FORCED_EXIT_AFTER_MS = 25_000;

await runUntilSignal(async () => await startAuth(readConfig(process.env)), FORCED_EXIT_AFTER_MS);
