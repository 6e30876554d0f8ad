export * from './archive.ts';
export * from './config/index.ts';
export * from './ids.ts';
export * from './jobs.ts';
export * from './principal.ts';
export * from './turn.ts';
export * from './wire.ts';
