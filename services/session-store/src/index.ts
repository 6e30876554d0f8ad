export { readConfig, type SessionStoreConfig } from './config.ts';
export { startSessionStore, type SessionStore } from './session-store.ts';
