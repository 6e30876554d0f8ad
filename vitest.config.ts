import { defineConfig } from 'vitest/config';

// Workspace packages are tested from their sources, not from what was last built.
const resolve = { conditions: ['moltbot-source', 'node', 'default'] };
const source = { resolve, ssr: { resolve } };

/** Projects with different numbers run one after another: what measures time must not share the CPU. */
const order = (groupOrder: number): { sequence: { groupOrder: number } } => ({ sequence: { groupOrder } });

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        ...source,
        test: {
          name: 'unit',
          include: ['{packages,services}/*/src/**/*.test.{ts,tsx}', 'scripts/**/*.test.ts'],
          testTimeout: 30_000,
          ...order(0),
        },
      },
      { ...source, test: { name: 'architecture', include: ['test/architecture/**/*.test.ts'], ...order(0) } },
      {
        ...source,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['test/support/redis.ts'],
          testTimeout: 90_000,
          hookTimeout: 90_000,
          ...order(1),
        },
      },
      {
        ...source,
        test: {
          name: 'clients',
          include: ['test/clients/**/*.test.ts'],
          globalSetup: ['test/support/redis.ts'],
          testTimeout: 120_000,
          hookTimeout: 300_000, // the first run fetches the clients from npm
          maxWorkers: 1,
          ...order(2),
        },
      },
      {
        ...source,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          globalSetup: ['test/support/redis.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 1,
          ...order(3),
        },
      },
      {
        ...source,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 900_000, // images are built and loaded first
          maxWorkers: 1,
          ...order(4),
        },
      },
    ],
  },
});
