import express from 'express';
import type { Registry } from 'prom-client';
import { LANES, queueName, type MoltbotConfig } from '@moltbot/shared/contracts';
import { closeRedis, openRedis, openSubscriber, requireSafeRedis, type Redis } from '@moltbot/shared/redis';
import { createLifecycle, listen, probeRoutes, VERSION, type Lifecycle } from '@moltbot/shared/runtime';
import { createLogControl, createRegistry, logSettings, type LogControl } from '@moltbot/shared/telemetry';
import { openTurns } from '@moltbot/turns';
import { createProviders } from './adapters/providers.ts';
import { followPublishedConfig, mountedConfig } from './adapters/published-config.ts';
import { openQueues, type Queues } from './adapters/queues.ts';
import type { LlmWorkerConfig } from './config.ts';
import { createEvents, type WorkerEvents } from './events.ts';
import { watchBudgets } from './jobs/budget-watch.ts';
import { HANDED_OVER } from './jobs/lease.ts';
import { openRunning } from './jobs/running.ts';
import { startSweeper } from './jobs/sweeper.ts';
import { openLanes, type Lanes } from './lanes.ts';
import { turnSettings } from './settings.ts';

export type LlmWorker = AsyncDisposable &
  Readonly<{ lifecycle: Lifecycle; registry: Registry; drain(): Promise<void> }>;

export type LlmWorkerOverrides = Readonly<{ logs?: LogControl }>;

const DEPTH_INTERVAL_MS = 5_000;
/** How long turns that outlast the draining may take to be handed over. */
const HAND_OVER_MS = 5_000;
const HAND_OVER_STEP_MS = 100;

/** Takes turns from the queue, asks the models, writes the answers. */
export async function startLlmWorker(
  config: LlmWorkerConfig,
  overrides: LlmWorkerOverrides = {},
): Promise<LlmWorker> {
  await using cleanup = new AsyncDisposableStack();
  const { env } = config;
  const logs = overrides.logs ?? createLogControl('llm-worker');
  const registry = createRegistry('llm-worker', VERSION);
  const events = createEvents(logs.logger, registry);
  const target = { url: config.redisUrl, name: `worker-${config.id}` };
  const redis = cleanup.adopt(await openRedis(target, 'background'), closeRedis);
  await requireSafeRedis(redis, config.redisUrl);
  const subscriber = cleanup.use(await openSubscriber(target));
  const queues = cleanup.use(await openQueues(target, config.pool, redis));
  const lifecycle = createLifecycle([{ name: 'redis', ok: () => redis.status === 'ready' }]);

  const mounted = mountedConfig(env);
  logs.apply(logSettings(mounted.logging));
  let settings = turnSettings(mounted, env);
  const running = await openRunning(redis, subscriber);
  const provider = createProviders(config.provider);
  const lanes = cleanup.use(
    openLanes(target, config, { redis, queues, events, provider, running, settings: () => settings }),
  );
  const use = (next: MoltbotConfig): void => {
    logs.apply(logSettings(next.logging));
    settings = turnSettings(next, env);
    lanes.applyCaps().catch((error: unknown) => events.failed(error, 'caps not applied'));
  };
  const notUsed = (error: unknown): void => events.failed(error, 'configuration change failed');
  cleanup.use(await followPublishedConfig(redis, subscriber, env, use, events.configUnusable, notUsed));
  cleanup.use(sweep(redis, queues, events));
  cleanup.use(watchBudgets(redis, () => settings.budgets, events));
  cleanup.use(watchQueues(redis, queues, lanes, config, events));
  if (config.http) cleanup.use(await serve(lifecycle, registry, config.http));
  lanes.start();
  lifecycle.advance('ready');
  tellOutages(redis, events);
  events.ready(config.pool);

  const owned = cleanup.move();
  return {
    lifecycle,
    registry,
    drain: async () => {
      lifecycle.advance('draining');
      const idle = lanes.pause();
      if (await within(idle, config.drainMs)) return;
      // also those that begin only now
      for (let waitedMs = 0; waitedMs < HAND_OVER_MS; waitedMs += HAND_OVER_STEP_MS) {
        for (const lease of running.values()) lease.stop(HANDED_OVER);
        if (await within(idle, HAND_OVER_STEP_MS)) return;
      }
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

/** Once an outage, however often it is tried to end it. */
function tellOutages(redis: Redis, events: WorkerEvents): void {
  let away = false;
  redis.on('close', () => {
    if (!away) events.redisAway();
    away = true;
  });
  redis.on('ready', () => {
    if (away) events.redisBack();
    away = false;
  });
}

async function within(work: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const done = await Promise.race([work.then(() => true), late]);
  clearTimeout(timer);
  return done;
}

function sweep(redis: Redis, queues: Queues, events: WorkerEvents): Disposable {
  const onError = (error: unknown): void => events.failed(error, 'sweep failed');
  return startSweeper({ redis, ...queues, onRewake: events.rewoken, onError });
}

/** Tells how long the queues are, and puts a cap back that went with a queue's state. */
function watchQueues(
  redis: Redis,
  queues: Queues,
  lanes: Lanes,
  config: LlmWorkerConfig,
  events: WorkerEvents,
): Disposable {
  events.slots(config.slots.main + config.slots.subagent);
  const look = async (): Promise<void> => {
    await lanes.keepCaps();
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
