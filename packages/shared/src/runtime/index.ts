export * from './environment.ts';
export * from './internal-http.ts';
export * from './listen.ts';
export * from './phase.ts';
export * from './probes.ts';
export * from './run-until-signal.ts';
export * from './version.ts';
