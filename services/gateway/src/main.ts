import { runUntilSignal } from '@moltbot/shared/runtime';
import { readConfig } from './config.ts';
import { startGateway } from './gateway.ts';

await runUntilSignal(async () => await startGateway(readConfig(process.env)), 25_000);
