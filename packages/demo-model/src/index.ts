export { startDemoModel, type DemoModel, type DemoModelOptions } from './demo-model.ts';
export type { Fault } from './domain/faults.ts';
export type { RecordedRequest } from './recorder.ts';
