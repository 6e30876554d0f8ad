import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { withUser, type Logger } from '@moltbot/shared/telemetry';
import type { Run } from '@moltbot/turns';
import type { TurnResult } from './jobs/turn.ts';

export type WorkerEvents = ReturnType<typeof createEvents>;

const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** Few values become labels, many values go to the log. No message text anywhere. */
export function createEvents(log: Logger, registry: Registry) {
  const metrics = createMetrics(registry);
  const startedAtMs = new Map<string, number>();
  const ids = (run: Run): Record<string, unknown> => ({
    sid: run.ref.sid,
    turnId: run.content.turnId,
    attempt: run.attempt,
  });
  return {
    turnStarted(run: Run): void {
      startedAtMs.set(run.content.turnId, Date.now());
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
      const facts = {
        event: 'turn.ended',
        ...ids(run),
        outcome: result.outcome,
        provider,
        model: result.model?.entry.id,
        durationMs,
        ...result.usage,
      };
      if (result.error)
        log.warn(
          { ...facts, error: result.error.message, err: result.error.cause },
          withUser('turn failed', run.ref.uid),
        );
      else log.info(facts, withUser('turn ended', run.ref.uid));
    },
    /** The session is another worker's now. */
    turnLost(run: Run): 0 {
      release(run);
      metrics.fenceRejected.inc();
      log.warn({ event: 'turn.lost', ...ids(run) }, withUser('turn lost to another worker', run.ref.uid));
      return 0;
    },
    rewoken: (): void => metrics.rewakes.inc(),
    queueDepth: (queue: string, state: string, count: number): void =>
      metrics.queue.set({ queue, state }, count),
    ledgerOpen: (count: number): void => metrics.ledger.set(count),
    slots: (count: number): void => metrics.slots.set({ state: 'total' }, count),
    failed: (error: unknown, what: string): void => log.error({ err: error }, what),
  };
  function release(run: Run): void {
    if (startedAtMs.delete(run.content.turnId)) metrics.slots.dec({ state: 'busy' });
  }
}

function outcomeLabel(result: TurnResult): string {
  if (result.abortReason === 'timeout') return 'timeout';
  if (result.outcome === 'aborted') return 'cancelled';
  if (result.error?.code === 'INTERRUPTED') return 'interrupted';
  return result.outcome === 'error' ? 'error' : 'ok';
}

function countUsage(
  metrics: ReturnType<typeof createMetrics>,
  { usage }: TurnResult,
  provider: string,
): void {
  if (!usage) return;
  metrics.tokens.inc({ direction: 'input', cache: 'none' }, usage.input);
  metrics.tokens.inc({ direction: 'input', cache: 'read' }, usage.cacheRead);
  metrics.tokens.inc({ direction: 'input', cache: 'write' }, usage.cacheWrite);
  metrics.tokens.inc({ direction: 'output', cache: 'none' }, usage.output);
  metrics.cost.inc({ provider }, (usage.costMicroUsd ?? 0) / 1e6);
}

function createMetrics(registry: Registry) {
  const registers = [registry];
  return {
    turns: new Counter({
      name: 'moltbot_turns_total',
      help: 'Turns that ended here.',
      labelNames: ['outcome', 'provider'],
      registers,
    }),
    duration: new Histogram({
      name: 'moltbot_turn_duration_seconds',
      help: 'From begin to end of a turn.',
      buckets: SECONDS,
      registers,
    }),
    firstToken: new Histogram({
      name: 'moltbot_time_to_first_token_seconds',
      help: 'From acceptance to the first word.',
      labelNames: ['provider'],
      buckets: SECONDS,
      registers,
    }),
    queueWait: new Histogram({
      name: 'moltbot_queue_wait_seconds',
      help: 'From acceptance to begin.',
      buckets: SECONDS,
      registers,
    }),
    attempts: new Histogram({
      name: 'moltbot_turn_attempts',
      help: 'Which attempt a begin was.',
      buckets: [1, 2, 3, 4],
      registers,
    }),
    slots: new Gauge({
      name: 'moltbot_worker_slots',
      help: 'Turns this worker can run and runs.',
      labelNames: ['state'],
      registers,
    }),
    tokens: new Counter({
      name: 'moltbot_llm_tokens_total',
      help: 'Tokens the providers counted.',
      labelNames: ['direction', 'cache'],
      registers,
    }),
    cost: new Counter({
      name: 'moltbot_llm_cost_usd_total',
      help: 'Cost in US dollars by list or configured prices.',
      labelNames: ['provider'],
      registers,
    }),
    fenceRejected: new Counter({
      name: 'moltbot_fence_rejected_total',
      help: 'Turns that turned out to be another worker’s.',
      registers,
    }),
    rewakes: new Counter({
      name: 'moltbot_sweeper_rewakes_total',
      help: 'Sessions woken because nobody looked after them.',
      registers,
    }),
    queue: new Gauge({
      name: 'moltbot_queue_jobs',
      help: 'Wake-ups by state; the same on every replica, so take the maximum.',
      labelNames: ['queue', 'state'],
      registers,
    }),
    ledger: new Gauge({
      name: 'moltbot_turn_ledger_open',
      help: 'Turns accepted and not ended, of everybody.',
      registers,
    }),
  };
}
