import { hostname } from 'node:os';
import { dirname } from 'node:path';
import type { Registry } from 'prom-client';
import {
  authKeys,
  closeRedis,
  openRedis,
  openSubscriber,
  requireSafeRedis,
  type Redis,
} from '@moltbot/shared/redis';
import { modelCatalogue } from '@moltbot/config';
import { createLifecycle, listen, VERSION, type Lifecycle } from '@moltbot/shared/runtime';
import {
  compilePatterns,
  createLogControl,
  createRegistry,
  type LogControl,
} from '@moltbot/shared/telemetry';
import { readUsage } from '@moltbot/turns';
import { addressList } from './adapters/address-list.ts';
import { openConfigStore, type ConfigStore } from './adapters/config-store.ts';
import { createVerifier } from './adapters/credentials.ts';
import { createDesk } from './adapters/desk.ts';
import { deviceCrypto } from './adapters/device-crypto.ts';
import { openHub } from './adapters/hub.ts';
import { internalClient, type InternalClient } from './adapters/internal-client.ts';
import { openLogFile, tailLogFile } from './adapters/log-file.ts';
import { mergedMetrics } from './adapters/merged-metrics.ts';
import { watchRedisLoad } from './adapters/redis-load.ts';
import { bringBack, createSessionDesk } from './adapters/session-desk.ts';
import { readTlsFiles } from './adapters/tls-files.ts';
import { openWaker } from './adapters/wake.ts';
import type { GatewayConfig } from './config.ts';
import { bindHost, gatewayTokens, keyRules, logFilePath } from './domain/gateway-settings.ts';
import { gatewayTokenProblem } from './domain/verify-token.ts';
import { createEvents, type GatewayEvents } from './events.ts';
import { httpApp } from './http/app.ts';
import type { Services } from './services.ts';
import { createFanout } from './ws/fanout.ts';
import { openWsServer } from './ws/server.ts';

export type Gateway = AsyncDisposable &
  Readonly<{ port: number; host: string; lifecycle: Lifecycle; drain(): Promise<void> }>;

export type GatewayOverrides = Readonly<{
  logs?: LogControl;
  /** Of other services in this process, shown on /metrics too. */
  registries?: readonly Registry[];
}>;

/** The door: HTTP and WebSocket, no work of its own. */
export async function startGateway(
  config: GatewayConfig,
  overrides: GatewayOverrides = {},
): Promise<Gateway> {
  await using cleanup = new AsyncDisposableStack();
  const { env } = config;
  const logs = overrides.logs ?? createLogControl('gateway');
  const registry = createRegistry('gateway', VERSION);
  const target = { url: config.redisUrl, name: `gateway-${config.id}` };
  const redis = cleanup.adopt(await openRedis(target, 'request'), closeRedis);
  await requireSafeRedis(redis);
  const subscriber = cleanup.use(await openSubscriber(target));
  let sockets = (): number => 0;
  const events = createEvents(logs.logger, registry, () => sockets());

  const store = cleanup.use(await openStore(redis, subscriber, config, env, events));
  requireTokens(store, env);
  const logFile = (): string | undefined => logFilePath(store.current().config, config.defaultLogFile);
  followLogging(store, logs, events, logFile);
  const lifecycle = createLifecycle([{ name: 'redis', ok: () => redis.status === 'ready' }]);
  const verifier = createVerifier({ redis, gatewayTokens: () => gatewayTokens(store.current().config, env) });
  const load = cleanup.use(watchRedisLoad(redis, events.sessionsActive));
  const hub = cleanup.use(openHub(redis, subscriber, (error) => events.failed('event stream', error)));
  const archive = config.sessionStoreUrl === undefined ? undefined : internal(config.sessionStoreUrl, config);
  const waker = cleanup.use(openWaker(target, config.pool, (error) => events.failed('wake-up', error)));
  const current = (): ReturnType<ConfigStore['current']>['config'] => store.current().config;
  let catalogue = modelCatalogue(current(), env);
  store.onChange(({ config: next }) => {
    catalogue = modelCatalogue(next, env);
  });

  const services: Services = {
    desk: createDesk({
      redis,
      waker,
      caps: config.caps,
      memoryShare: load.memoryShare,
      config: current,
      wakeArchive: async (ref) => await bringBack(archive, ref),
      onAccepted: events.accepted,
    }),
    hub,
    sessions: createSessionDesk({ redis, archive }),
    store,
    config: current,
    rules: () => keyRules(current()),
    catalogue: () => catalogue,
    auth: config.authUrl === undefined ? undefined : internal(config.authUrl, config),
    tailLog: (options) => tailLogFile(logFile() ?? '', options),
    usage: async (userId, days) => await readUsage(redis, userId, days),
    lifecycle,
    host: { name: hostname(), version: VERSION, stateDir: dirname(config.configPath), pid: config.pid },
    verify: verifier.verify,
  };
  const fanout = createFanout(services);
  const renderMetrics = async (): Promise<string> =>
    await mergedMetrics([registry, ...(overrides.registries ?? [])]);
  const app = httpApp({
    services,
    pageFolder: config.webDir,
    renderMetrics,
    onRefused: events.httpRefused,
    onFailed: events.failed,
  });
  const http = cleanup.use(
    await listen(
      app,
      config.port ?? current().gateway.port,
      config.host ?? bindHost(current()),
      readTlsFiles(current()),
    ),
  );
  const ws = cleanup.use(
    openWsServer(http.server, {
      services,
      fanout,
      events,
      handshake: {
        verify: verifier.verify,
        crypto: deviceCrypto,
        auth: () => ({
          mode: current().gateway.auth.mode ?? 'token',
          allowInsecureAuth: current().gateway.controlUi.allowInsecureAuth,
        }),
      },
      trustedProxies: () => addressList(current().gateway.trustedProxies),
      stillValid: verifier.stillValid,
    }),
  );
  sockets = ws.count;
  const recheck = (): void =>
    void ws.recheck().catch((error: unknown) => events.failed('token check', error));
  subscriber.onResubscribed(recheck);
  store.onChange(recheck);
  await subscriber.subscribe(authKeys.revoked, (tokenId) => {
    verifier.forget(tokenId);
    ws.closeToken(tokenId);
  });
  lifecycle.advance('ready');

  const owned = cleanup.move();
  return {
    port: http.port,
    host: config.host ?? bindHost(current()),
    lifecycle,
    drain: async () => {
      lifecycle.advance('draining');
      events.draining();
      await ws.drain(Math.min(config.drainMs, ws.count() * 20));
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

function internal(url: string, config: GatewayConfig): InternalClient {
  if (config.internalSecret === undefined)
    throw new Error(
      'INTERNAL_SECRET is needed beside AUTH_URL and SESSION_STORE_URL: the secret the services of one installation share',
    );
  return internalClient(url, config.internalSecret);
}

async function openStore(
  redis: Redis,
  subscriber: Parameters<typeof openConfigStore>[1],
  config: GatewayConfig,
  env: NodeJS.ProcessEnv,
  events: GatewayEvents,
): Promise<ConfigStore> {
  const only = config.wholeConfig ? undefined : (['gateway', 'session', 'logging', 'agents'] as const);
  const store = await openConfigStore(redis, subscriber, {
    path: config.configPath,
    env,
    only,
    onProblem: ({ issues }) => events.configRefused(issues),
  });
  store.onChange(({ hash }) => events.configChanged(hash));
  events.configChanged(store.current().hash);
  return store;
}

/** Fails closed: a short credential is refused at start, with what to do about it. */
function requireTokens(store: ConfigStore, env: NodeJS.ProcessEnv): void {
  for (const token of gatewayTokens(store.current().config, env)) {
    const problem = gatewayTokenProblem(token);
    if (problem !== undefined) throw new Error(problem);
  }
}

/** Level, patterns and file of the log follow the configuration. */
function followLogging(
  store: ConfigStore,
  logs: LogControl,
  events: GatewayEvents,
  logFile: () => string | undefined,
): void {
  const open = (wanted: string): (() => void) => {
    const file = openLogFile(wanted, (error) => events.failed('log file', error));
    const remove = logs.addSink(file.write);
    return () => {
      remove();
      file[Symbol.dispose]();
    };
  };
  let stopFile: (() => void) | undefined;
  let path: string | undefined;
  const apply = (): void => {
    const { level, redactPatterns, redactSensitive } = store.current().config.logging;
    logs.apply({ level, redact: redactSensitive !== 'off', patterns: compilePatterns(redactPatterns) });
    const wanted = logFile();
    if (wanted === path) return;
    stopFile?.();
    path = wanted;
    stopFile = wanted === undefined ? undefined : open(wanted);
  };
  apply();
  store.onChange(apply);
}
