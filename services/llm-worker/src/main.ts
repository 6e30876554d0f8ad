import { readConfig } from './config.ts';
import { startLlmWorker } from './llm-worker.ts';
import { runUntilSignal } from '@moltbot/shared/runtime';

await runUntilSignal(async () => await startLlmWorker(readConfig(process.env)), 255_000);
