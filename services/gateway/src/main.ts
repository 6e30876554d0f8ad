import { runUntilSignal } from '@moltbot/shared/runtime';
import { readConfig } from './config.ts';
import { startGateway } from './gateway.ts';

process.title = 'moltbot-gateway'; // what `pgrep moltbot-gateway` and top look for

await runUntilSignal(async () => await startGateway(readConfig(process.env)), 25_000);
