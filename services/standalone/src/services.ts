import { join } from 'node:path';
import { startAuth } from '@moltbot/auth';
import { readGatewayConfig, startGateway } from '@moltbot/gateway';
import { readWorkerConfig, startLlmWorker } from '@moltbot/llm-worker';
import { readConfig as readStoreConfig, startSessionStore } from '@moltbot/session-store';
import type { Service } from '@moltbot/shared/runtime';
import type { LogControl } from '@moltbot/shared/telemetry';

/** What all services of this process need to find each other. */
export type ServicesEnv = NodeJS.ProcessEnv & Readonly<{ REDIS_URL: string; INTERNAL_SECRET: string }>;

export type RunningServices = Service & Readonly<{ host: string; port: number }>;

/** A person waits at the terminal; what does not end by then goes on after the next start. */
const ONE_SERVER_DRAIN_MS = '10000';
/** There is no other door to send anybody to; what is nearly answered shall be answered. */
const ONE_DOOR_DRAIN_MS = '5000';
const LOOPBACK = { port: 0, host: '127.0.0.1' } as const;

/** Every service of the product, each after those it needs. They drain in the opposite order, doors first. */
export async function startServices(
  env: ServicesEnv,
  stateDir: string,
  logs: LogControl,
): Promise<RunningServices> {
  await using cleanup = new AsyncDisposableStack();
  const { logger: log } = logs;
  const { REDIS_URL: redisUrl, INTERNAL_SECRET: internalSecret } = env;
  const auth = cleanup.use(await startAuth({ redisUrl, http: LOOPBACK, internalSecret }, { log }));
  const storeEnv = {
    ARCHIVE_DIR: join(stateDir, 'sessions'),
    SESSION_STORE_PORT: String(LOOPBACK.port),
    SESSION_STORE_HOST: LOOPBACK.host,
    ...env,
  };
  const store = cleanup.use(await startSessionStore(readStoreConfig(storeEnv), { log }));
  const workerEnv = { WORKER_DRAIN_MS: ONE_SERVER_DRAIN_MS, ...env };
  const workerConfig = { ...readWorkerConfig(workerEnv), alone: true, http: undefined };
  const worker = cleanup.use(await startLlmWorker(workerConfig, { logs }));
  const gatewayConfig = {
    ...readGatewayConfig({
      GATEWAY_DRAIN_MS: ONE_DOOR_DRAIN_MS,
      ...env,
      AUTH_URL: auth.url,
      SESSION_STORE_URL: store.url,
    }),
    wholeConfig: true,
    defaultLogFile: join(stateDir, 'logs', 'gateway.log'),
  };
  const registries = [auth.registry, store.registry, worker.registry];
  const gateway = cleanup.use(await startGateway(gatewayConfig, { logs, registries }));

  const owned = cleanup.move();
  return {
    host: gateway.host,
    port: gateway.port,
    drain: async () => {
      await gateway.drain();
      await worker.drain();
      await store.drain();
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}
