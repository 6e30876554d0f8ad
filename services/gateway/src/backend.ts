import { hostname } from 'node:os';
import { dirname } from 'node:path';
import type { MoltbotConfig } from '@moltbot/shared/contracts';
import {
  closeRedis,
  openDurability,
  openRedis,
  openSubscriber,
  requireSafeRedis,
  type Redis,
  type Subscriber,
} from '@moltbot/shared/redis';
import { modelCatalogue, type ModelCatalogue } from '@moltbot/config';
import { createLifecycle, VERSION } from '@moltbot/shared/runtime';
import type { LogControl } from '@moltbot/shared/telemetry';
import { loadDoorScripts, readUsage } from '@moltbot/turns';
import { createCare } from './adapters/care.ts';
import { openConfigStore, type ConfigStore } from './adapters/config-store.ts';
import { createVerifier, type Verifier } from './adapters/credentials.ts';
import { createDesk } from './adapters/desk.ts';
import { openHub, type HubDeps } from './adapters/hub.ts';
import { internalClient, type InternalClient } from './adapters/internal-client.ts';
import { logFileProblem, tailLogFile } from './adapters/log-file.ts';
import { reached, settled } from './adapters/reached.ts';
import { watchRedisLoad } from './adapters/redis-load.ts';
import { createResponseNotes } from './adapters/response-notes.ts';
import { createRuns } from './adapters/runs.ts';
import { bringBack, createSessionDesk } from './adapters/session-desk.ts';
import { openWaker } from './adapters/wake.ts';
import type { GatewayConfig } from './config.ts';
import { gatewayTokens, keyRules, logFilePath } from './domain/gateway-settings.ts';
import { gatewayTokenProblem } from './domain/verify-token.ts';
import type { GatewayEvents } from './events.ts';
import { followLogging } from './logging.ts';
import { createRecentLoad } from './domain/recent-load.ts';
import type { Services } from './services.ts';

/** What is behind the doors: Redis, the configuration, the other services. */
export type Backend = AsyncDisposable &
  Readonly<{ services: Services; verifier: Verifier; subscriber: Subscriber }>;

/** Sections a gateway substitutes; the providers' keys exist in workers alone. */
const SECTIONS = ['gateway', 'session', 'logging', 'agents'] as const;

export async function openBackend(
  config: GatewayConfig,
  logs: LogControl,
  events: GatewayEvents,
): Promise<Backend> {
  await using cleanup = new AsyncDisposableStack();
  const { env } = config;
  const memory = cleanup.use(await openMemory(config, events));
  const { redis, subscriber } = memory;
  const safely: Safely = (port) => reached(settled(port, redis, memory.durability));
  const store = cleanup.use(await openStore(redis, subscriber, config, events));
  const current = (): MoltbotConfig => store.current().config;
  const tokens = (): string[] => gatewayTokens(current(), env);
  requireLongTokens(tokens());
  const logFile = (): string | undefined => logFilePath(current(), config.defaultLogFile);
  followLogging(logs, store, logFile, (error) => events.failed('log file', error));
  const load = cleanup.use(watchRedisLoad(redis, events.sessionsActive));
  const hub = cleanup.use(openHub(memory, (error) => events.failed('event stream', error)));
  const waker = cleanup.use(openWaker(redis, config.pool, (error) => events.failed('wake-up', error)));
  const archive = internalService(config.sessionStoreUrl, config);
  const verifier = createVerifier({ redis, gatewayTokens: tokens });

  const services: Services = {
    desk: safely(
      createDesk({
        redis,
        waker,
        hub,
        recentLoad: createRecentLoad(Date.now),
        caps: config.caps,
        memoryShare: load.memoryShare,
        config: current,
        wakeArchive: async (ref) => await bringBack(archive, ref),
        onAccepted: events.accepted,
      }),
    ),
    hub: { ...hub, ...reached({ replay: hub.replay, watchUser: hub.watchUser, watchRun: hub.watchRun }) },
    ...recalling(redis, archive, safely),
    care: reached(createCare({ redis, replicas: memory.durability.replicas, archive, waker })),
    store,
    config: current,
    rules: () => keyRules(current()),
    catalogue: followCatalogue(store, env),
    auth: internalService(config.authUrl, config),
    tailLog: (options) => tailLogFile(logFile() ?? '', options),
    usage: async (userId, days) => await readUsage(redis, userId, days),
    lifecycle: createLifecycle([{ name: 'redis', ok: load.answers }]),
    host: { name: hostname(), version: VERSION, stateDir: dirname(config.configPath), pid: config.pid },
    verify: verifier.verify,
  };
  const owned = cleanup.move();
  return {
    services,
    verifier,
    subscriber,
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

/** The connections to Redis: one to ask, one to hear, one to wait for replicas. */
async function openMemory(
  { redisUrl: url, id }: GatewayConfig,
  events: GatewayEvents,
): Promise<HubDeps & AsyncDisposable> {
  await using cleanup = new AsyncDisposableStack();
  const target = { url, name: `gateway-${id}` };
  const redis = cleanup.adopt(await openRedis(target, 'request'), closeRedis);
  await requireSafeRedis(redis, url);
  keepScriptsLoaded(redis);
  const durability = cleanup.use(await openDurability(target, events.replicated));
  const subscriber = cleanup.use(await openSubscriber(target));
  const owned = cleanup.move();
  return {
    redis,
    durability,
    subscriber,
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

type Safely = <P extends Parameters<typeof reached>[0]>(port: P) => P;

/** By which what was begun elsewhere is found again. */
function recalling(
  redis: Redis,
  archive: InternalClient | undefined,
  safely: Safely,
): Pick<Services, 'sessions' | 'runs' | 'responses'> {
  return {
    sessions: safely(createSessionDesk({ redis, archive })),
    runs: safely(createRuns(redis, archive)),
    // waits for no replica: the message that follows a note waits for both
    responses: reached(createResponseNotes(redis)),
  };
}

/** After each reconnect too, so that no message waits for a script to be sent; its first use loads it otherwise. */
function keepScriptsLoaded(redis: Redis): void {
  const load = (): void => void loadDoorScripts(redis).catch(() => undefined);
  redis.on('ready', load);
  load();
}

async function openStore(
  redis: Redis,
  subscriber: Subscriber,
  config: GatewayConfig,
  events: GatewayEvents,
): Promise<ConfigStore> {
  const store = await openConfigStore(redis, subscriber, {
    host: hostname(),
    path: config.configPath,
    env: config.env,
    only: config.wholeConfig ? undefined : SECTIONS,
    impossible: (wanted) => {
      const problem = logFileProblem(logFilePath(wanted, config.defaultLogFile));
      return problem === undefined ? [] : [{ path: 'logging.file', message: problem }];
    },
    onProblem: ({ issues }) => events.configRefused(issues),
    onError: events.failed,
  });
  store.onChange(({ hash }) => events.configChanged(hash));
  events.configChanged(store.current().hash);
  return store;
}

/** Fails closed: a short credential is refused at start, with what to do about it. */
function requireLongTokens(tokens: readonly string[]): void {
  for (const token of tokens) {
    const problem = gatewayTokenProblem(token);
    if (problem !== undefined) throw new Error(problem);
  }
}

/** Made once for each configuration, not for each question. */
function followCatalogue(store: ConfigStore, env: NodeJS.ProcessEnv): () => ModelCatalogue {
  let catalogue = modelCatalogue(store.current().config, env);
  store.onChange(({ config }) => {
    catalogue = modelCatalogue(config, env);
  });
  return () => catalogue;
}

function internalService(url: string | undefined, config: GatewayConfig): InternalClient | undefined {
  if (url === undefined) return undefined;
  if (config.internalSecret === undefined)
    throw new Error(
      'INTERNAL_SECRET is needed beside AUTH_URL and SESSION_STORE_URL: the secret the services of one installation share',
    );
  return internalClient(url, config.internalSecret);
}
