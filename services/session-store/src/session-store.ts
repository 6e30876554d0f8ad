import { mkdir } from 'node:fs/promises';
import express from 'express';
import type { Registry } from 'prom-client';
import { closeRedis, openRedis, requireSafeRedis, type Redis } from '@moltbot/shared/redis';
import { createLifecycle, listen, probeRoutes, VERSION, type Lifecycle } from '@moltbot/shared/runtime';
import { createLogControl, createRegistry, type Logger } from '@moltbot/shared/telemetry';
import type { SessionStoreConfig } from './config.ts';
import { startBackground } from './background.ts';
import { createEvents } from './events.ts';
import { internalRoutes, type InternalPorts } from './http/routes.ts';

export type SessionStore = AsyncDisposable &
  Readonly<{
    port: number;
    url: string;
    registry: Registry;
    lifecycle: Lifecycle;
    /** Archives what waits, hands its shards over; within a few seconds, whatever hangs. */
    drain(): Promise<void>;
  }>;

const REDIS_RETRY_MS = 500;

/** Archives, evicts, brings back, and answers for sessions of the past. */
export async function startSessionStore(
  config: SessionStoreConfig,
  overrides: Readonly<{ log?: Logger }> = {},
): Promise<SessionStore> {
  await using cleanup = new AsyncDisposableStack();
  const log = overrides.log ?? createLogControl('session-store').logger;
  const registry = createRegistry('session-store', VERSION);
  const events = createEvents(log, registry);
  const running: { redis?: Redis; ports?: InternalPorts } = {};
  const lifecycle = createLifecycle([{ name: 'redis', ok: () => running.redis?.status === 'ready' }]);
  const app = express().disable('x-powered-by');
  app.use(probeRoutes(lifecycle, () => ({ archiveLagSeconds: events.lagSeconds() })));
  app.get('/metrics', async (_request, response) => {
    response.type(registry.contentType).send(await registry.metrics());
  });
  app.use(
    internalRoutes(
      config.internalSecret,
      () => running.ports,
      (error) => events.failed(error, 'request failed'),
    ),
  );
  const { port } = cleanup.use(await listen(app, config.http.port, config.http.host));

  const redis = cleanup.adopt(await waitForRedis(config.redisUrl, log), closeRedis);
  running.redis = redis;
  await requireSafeRedis(redis, config.redisUrl);
  await mkdir(config.archiveDir, { recursive: true, mode: 0o700 });
  const jobs = cleanup.use(await startBackground(config, redis, events));
  running.ports = jobs.ports;
  lifecycle.advance('ready');
  log.info({ event: 'store.ready', port, archiveDir: config.archiveDir }, 'session-store is ready');

  const owned = cleanup.move();
  const drain = async (): Promise<void> => {
    if (lifecycle.phase() === 'ready') lifecycle.advance('draining');
    await jobs.drain();
  };
  return {
    port,
    url: `http://${config.http.host === '0.0.0.0' ? '127.0.0.1' : config.http.host}:${port}`,
    registry,
    lifecycle,
    drain,
    [Symbol.asyncDispose]: async () => {
      await drain();
      await owned.disposeAsync();
      if (lifecycle.phase() !== 'stopped') lifecycle.advance('stopped');
    },
  };
}

/** The probes answer meanwhile: a store without Redis is not ready, and not dead. */
async function waitForRedis(url: string, log: Logger): Promise<Redis> {
  for (let failures = 0; ; failures += 1) {
    try {
      return await openRedis({ url, name: 'session-store' }, 'background');
    } catch (error) {
      if (failures % 20 === 0) log.warn({ err: error }, 'waiting for Redis');
      await new Promise((resolve) => setTimeout(resolve, REDIS_RETRY_MS));
    }
  }
}
