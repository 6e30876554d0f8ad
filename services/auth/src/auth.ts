import express from 'express';
import type { Registry } from 'prom-client';
import { closeRedis, openDurability, openRedis, requireSafeRedis } from '@moltbot/shared/redis';
import { createLifecycle, listen, probeRoutes, VERSION, type Lifecycle } from '@moltbot/shared/runtime';
import { createLogControl, createRegistry, type Logger } from '@moltbot/shared/telemetry';
import { openDirectory } from './adapters/directory.ts';
import type { AuthConfig } from './config.ts';
import { createEvents } from './events.ts';
import { tokenRoutes } from './http/routes.ts';

export type Auth = AsyncDisposable &
  Readonly<{
    port: number;
    url: string;
    registry: Registry;
    lifecycle: Lifecycle;
    /** Not ready from now on; what was asked before is still answered. */
    drain(): Promise<void>;
  }>;

/** The token directory: who holds which personal token, and what it allows. */
export async function startAuth(
  config: AuthConfig,
  overrides: Readonly<{ log?: Logger }> = {},
): Promise<Auth> {
  await using cleanup = new AsyncDisposableStack();
  const log = overrides.log ?? createLogControl('auth').logger;
  const registry = createRegistry('auth', VERSION);
  const target = { url: config.redisUrl, name: 'auth' };
  const redis = cleanup.adopt(await openRedis(target, 'request'), closeRedis);
  await requireSafeRedis(redis, config.redisUrl);
  const durability = cleanup.use(await openDurability(target));
  const lifecycle = createLifecycle([{ name: 'redis', ok: () => redis.status === 'ready' }]);
  const app = express().disable('x-powered-by');
  app.use(probeRoutes(lifecycle));
  app.get('/metrics', async (_request, response) => {
    response.type(registry.contentType).send(await registry.metrics());
  });
  app.use(tokenRoutes(config.internalSecret, openDirectory(redis, durability), createEvents(log, registry)));
  const { port } = cleanup.use(await listen(app, config.http.port, config.http.host));
  lifecycle.advance('ready');
  log.info({ event: 'auth.ready', port }, 'auth is ready');

  const owned = cleanup.move();
  const drain = (): Promise<void> => {
    if (lifecycle.phase() === 'ready') lifecycle.advance('draining');
    return Promise.resolve();
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
