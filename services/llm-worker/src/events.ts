import type { Registry } from 'prom-client';
import type { ConfigIssue } from '@moltbot/shared/contracts';
import { withUser, type Logger } from '@moltbot/shared/telemetry';
import type { Run } from '@moltbot/turns';
import { together } from './domain/money.ts';
import type { BudgetEvents } from './jobs/budget-watch.ts';
import type { TurnResult } from './jobs/turn.ts';
import { createMetrics, type WorkerMetrics } from './metrics.ts';

export type WorkerEvents = ReturnType<typeof createEvents>;

/** Few values become labels, many values go to the log. No message text anywhere. */
export function createEvents(log: Logger, registry: Registry) {
  const metrics = createMetrics(registry);
  return {
    ...turnEvents(log, metrics),
    rewoken: (): void => metrics.rewakes.inc(),
    queueDepth: (queue: string, state: string, count: number): void =>
      metrics.queue.set({ queue, state }, count),
    ledgerOpen: (count: number): void => metrics.ledger.set(count),
    slots: (count: number): void => metrics.slots.set({ state: 'total' }, count),
    configUnusable: (issues: readonly ConfigIssue[]): void =>
      log.error(
        { event: 'config.invalid', issues },
        'the published configuration cannot be used here; keeping the one before',
      ),
    ...budgetEvents(log, metrics),
    failed: (error: unknown, what: string): void => log.error({ err: error }, what),
    ready: (pool: string): void => log.info({ event: 'worker.ready', pool }, 'llm-worker is ready'),
    redisAway: (): void => log.warn({ event: 'redis.away' }, 'Redis is away; turns wait for it'),
    redisBack: (): void => log.info({ event: 'redis.back' }, 'Redis is back'),
  };
}

function budgetEvents(log: Logger, metrics: WorkerMetrics): BudgetEvents {
  return {
    budgetLeft: (provider, ratio) => metrics.budgetLeft.set({ provider }, ratio),
    budgetAlert({ provider, dailyUsd }, share, spentUsd) {
      metrics.budgetAlerts.inc({ provider, share: String(share) });
      log.warn(
        { event: 'budget.alert', provider, share, spentUsd, dailyUsd },
        `${share} % of the daily budget of ${provider} is used`,
      );
    },
  };
}

function turnEvents(log: Logger, metrics: WorkerMetrics) {
  const busy = new Set<string>();
  const release = (run: Run): void => {
    if (busy.delete(run.content.turnId)) metrics.slots.dec({ state: 'busy' });
  };
  return {
    turnStarted(run: Run): void {
      busy.add(run.content.turnId);
      metrics.queueWait.observe(Math.max(0, Date.now() - run.content.acceptedAtMs) / 1_000);
      metrics.attempts.observe(run.attempt);
      metrics.slots.inc({ state: 'busy' });
    },
    firstToken(run: Run, provider: string): void {
      metrics.firstToken.observe({ provider }, Math.max(0, Date.now() - run.content.acceptedAtMs) / 1_000);
    },
    turnEnded(run: Run, result: TurnResult, durationMs: number): void {
      const provider = result.model?.provider ?? 'none';
      release(run);
      metrics.turns.inc({ outcome: outcomeLabel(result), provider });
      metrics.duration.observe(durationMs / 1_000);
      countUsage(metrics, result, provider);
      logEnd(log, run, result, durationMs);
    },
    /** The turn waits for another worker. */
    turnReleased(run: Run): 'released' {
      release(run);
      log.info({ event: 'turn.released', ...ids(run) }, withUser('turn handed over', run.ref.uid));
      return 'released';
    },
    /** The session is another worker's now. */
    turnLost(run: Run): 0 {
      release(run);
      metrics.fenceRejected.inc();
      log.warn({ event: 'turn.lost', ...ids(run) }, withUser('turn lost to another worker', run.ref.uid));
      return 0;
    },
  };
}

function ids(run: Run): Record<string, unknown> {
  return { sid: run.ref.sid, turnId: run.content.turnId, attempt: run.attempt };
}

function logEnd(log: Logger, run: Run, result: TurnResult, durationMs: number): void {
  const { outcome, model, error } = result;
  const facts = {
    event: 'turn.ended',
    ...ids(run),
    outcome,
    provider: model?.provider ?? 'none',
    model: model?.entry.id,
    durationMs,
    ...together(result.usage, result.summaryUsage),
  };
  if (error) {
    const why = { error: error.message, err: error.cause };
    log.warn({ ...facts, ...why }, withUser('turn failed', run.ref.uid));
  } else log.info(facts, withUser('turn ended', run.ref.uid));
}

function outcomeLabel(result: TurnResult): string {
  if (result.abortReason === 'timeout') return 'timeout';
  if (result.outcome === 'aborted') return 'cancelled';
  if (result.error?.code === 'INTERRUPTED') return 'interrupted';
  return result.outcome === 'error' ? 'error' : 'ok';
}

function countUsage(metrics: WorkerMetrics, result: TurnResult, provider: string): void {
  const usage = together(result.usage, result.summaryUsage);
  if (!usage) return;
  metrics.tokens.inc({ direction: 'input', cache: 'none' }, usage.input);
  metrics.tokens.inc({ direction: 'input', cache: 'read' }, usage.cacheRead);
  metrics.tokens.inc({ direction: 'input', cache: 'write' }, usage.cacheWrite);
  metrics.tokens.inc({ direction: 'output', cache: 'none' }, usage.output);
  metrics.cost.inc({ provider }, (usage.costMicroUsd ?? 0) / 1e6);
}
