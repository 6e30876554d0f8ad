export * from './client.ts';
export * from './config-feed.ts';
export * from './durability.ts';
export * from './keys.ts';
export * from './outage.ts';
export { requireSafeRedis } from './requirements.ts';
export * from './script.ts';
export * from './subscriber.ts';
