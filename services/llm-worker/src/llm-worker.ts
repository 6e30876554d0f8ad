import express from 'express';
import type { Registry } from 'prom-client';
import { LANES, queueName, type Lane, type MoltbotConfig } from '@moltbot/shared/contracts';
import {
  closeRedis,
  followConfig,
  openRedis,
  openSubscriber,
  queueKeys,
  requireSafeRedis,
  type Redis,
} from '@moltbot/shared/redis';
import { loadConfigFile, requireValidConfig, resolveConfigPath, snapshotFromTree } from '@moltbot/config';
import { createLifecycle, listen, probeRoutes, VERSION, type Lifecycle } from '@moltbot/shared/runtime';
import { createLogControl, createRegistry, type Logger } from '@moltbot/shared/telemetry';
import { openTurns } from '@moltbot/turns';
import { createProviders } from './adapters/providers.ts';
import { openLaneWorker, openQueues, type LaneWorker, type Queues } from './adapters/queues.ts';
import type { LlmWorkerConfig } from './config.ts';
import { createEvents, type WorkerEvents } from './events.ts';
import type { Lease } from './jobs/lease.ts';
import { processJob, type ProcessDeps } from './jobs/process.ts';
import { startSweeper } from './jobs/sweeper.ts';
import { turnSettings } from './settings.ts';

export type LlmWorker = AsyncDisposable &
  Readonly<{ lifecycle: Lifecycle; registry: Registry; drain(): Promise<void> }>;

export type LlmWorkerOverrides = Readonly<{ log?: Logger }>;

/** What is substituted and read here. */
const SECTIONS = ['models', 'agents'] as const;
const DEPTH_INTERVAL_MS = 5_000;

/** Takes turns from the queue, asks the models, writes the answers. */
export async function startLlmWorker(
  config: LlmWorkerConfig,
  overrides: LlmWorkerOverrides = {},
): Promise<LlmWorker> {
  await using cleanup = new AsyncDisposableStack();
  const { env } = config;
  const log = overrides.log ?? createLogControl('llm-worker').logger;
  const registry = createRegistry('llm-worker', VERSION);
  const events = createEvents(log, registry);
  const target = { url: config.redisUrl, name: `worker-${config.id}` };
  const redis = cleanup.adopt(await openRedis(target, 'background'), closeRedis);
  await requireSafeRedis(redis);
  const subscriber = cleanup.use(await openSubscriber(target));
  const queues = cleanup.use(await openQueues(target, config.pool, redis));

  const lifecycle = createLifecycle([{ name: 'redis', ok: () => redis.status === 'ready' }]);
  const running = new Map<string, Lease>();
  const workers: Partial<Record<Lane, LaneWorker>> = {};
  const settings = cleanup.use(
    await liveSettings(redis, subscriber, env, log, async (lane, cap) => {
      await queues.cap(lane, cap);
      if (config.alone) workers[lane]?.resize(cap ?? config.slots[lane]);
    }),
  );
  await subscriber.subscribe(queueKeys.control, (message) => {
    void running.get((JSON.parse(message) as { tid: string }).tid)?.check();
  });
  const deps: ProcessDeps = {
    redis,
    owner: config.id,
    userCap: config.maxRunningPerUser,
    events,
    running,
    provider: createProviders(config.provider),
    settings: settings.current,
    wakeAgain: queues.wake,
  };
  for (const lane of LANES)
    workers[lane] = cleanup.use(
      openLaneWorker(
        target,
        config.pool,
        lane,
        (config.alone ? settings.cap(lane) : undefined) ?? config.slots[lane],
        async (job, token) => await processJob(job, token, deps),
        (error) => events.failed(error, 'job failed'),
      ),
    );
  cleanup.use(
    startSweeper({
      redis,
      ...queues,
      onRewake: events.rewoken,
      onError: (error) => events.failed(error, 'sweep failed'),
    }),
  );
  cleanup.use(reportDepth(redis, queues, config, events));
  if (config.http) cleanup.use(await serve(lifecycle, registry, config.http));
  for (const worker of Object.values(workers)) worker.start();
  lifecycle.advance('ready');

  const owned = cleanup.move();
  return {
    lifecycle,
    registry,
    drain: async () => {
      lifecycle.advance('draining');
      await Promise.race([
        Promise.all(Object.values(workers).map(async (worker) => await worker.pause())),
        new Promise((resolve) => setTimeout(resolve, config.drainMs).unref()),
      ]);
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

type LiveSettings = AsyncDisposable &
  Readonly<{ current: () => ReturnType<typeof turnSettings>; cap: (lane: Lane) => number | undefined }>;

/** From Redis as soon as a gateway has published the configuration, from the mounted file until then. */
async function liveSettings(
  redis: Redis,
  subscriber: Parameters<typeof followConfig>[1],
  env: NodeJS.ProcessEnv,
  log: Logger,
  onCap: (lane: Lane, cap: number | undefined) => Promise<void>,
): Promise<LiveSettings> {
  const path = resolveConfigPath(env);
  let current = turnSettings(requireValidConfig(loadConfigFile(path, env, { only: SECTIONS })), env);
  const apply = async (config: MoltbotConfig): Promise<void> => {
    current = turnSettings(config, env);
    for (const lane of LANES) await onCap(lane, current.cap(lane));
  };
  const feed = await followConfig(redis, subscriber, ({ tree, hash }) => {
    const snapshot = snapshotFromTree(tree, env, { path, hash, only: SECTIONS });
    if (!snapshot.valid)
      return log.error(
        { issues: snapshot.issues },
        'the published configuration cannot be used here; keeping the one before',
      );
    void apply(snapshot.config).catch((error: unknown) =>
      log.error({ err: error }, 'configuration not applied'),
    );
  });
  return {
    current: () => current,
    cap: (lane) => current.cap(lane),
    [Symbol.asyncDispose]: async () => await feed[Symbol.asyncDispose](),
  };
}

function reportDepth(
  redis: Redis,
  queues: Queues,
  config: LlmWorkerConfig,
  events: WorkerEvents,
): Disposable {
  events.slots(config.slots.main + config.slots.subagent);
  const look = async (): Promise<void> => {
    events.ledgerOpen(await openTurns(redis));
    for (const lane of LANES)
      for (const [state, count] of Object.entries(await queues.waiting(lane)))
        events.queueDepth(queueName(lane, config.pool), state, count);
  };
  const timer = setInterval(() => void look().catch(() => undefined), DEPTH_INTERVAL_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

async function serve(
  lifecycle: Lifecycle,
  registry: Registry,
  http: NonNullable<LlmWorkerConfig['http']>,
): Promise<AsyncDisposable> {
  const app = express().disable('x-powered-by').use(probeRoutes(lifecycle));
  app.get('/metrics', async (_request, response) => {
    response.type(registry.contentType).send(await registry.metrics());
  });
  return await listen(app, http.port, http.host);
}
