import { runUntilSignal } from '@moltbot/shared/runtime';
import { startStandalone } from './standalone.ts';

await runUntilSignal(async () => await startStandalone(process.env), 60_000);
