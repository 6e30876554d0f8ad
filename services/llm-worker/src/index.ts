export { readConfig as readWorkerConfig, type LlmWorkerConfig } from './config.ts';
export { startLlmWorker, type LlmWorker } from './llm-worker.ts';
