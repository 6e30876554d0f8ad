import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

export type WorkerMetrics = ReturnType<typeof createMetrics>;

export function createMetrics(registry: Registry) {
  const registers = [registry];
  return { ...turnMetrics(registers), ...modelMetrics(registers), ...queueMetrics(registers) };
}

function turnMetrics(registers: Registry[]) {
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
    fenceRejected: new Counter({
      name: 'moltbot_fence_rejected_total',
      help: 'Turns that turned out to be another worker’s.',
      registers,
    }),
  };
}

function modelMetrics(registers: Registry[]) {
  return {
    firstToken: new Histogram({
      name: 'moltbot_time_to_first_token_seconds',
      help: 'From acceptance to the first word.',
      labelNames: ['provider'],
      buckets: SECONDS,
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
    budgetLeft: new Gauge({
      name: 'moltbot_budget_remaining_ratio',
      help: 'Share of the daily budget that is left; the same on every worker, so take the minimum.',
      labelNames: ['provider'],
      registers,
    }),
    budgetAlerts: new Counter({
      name: 'moltbot_budget_alerts_total',
      help: 'Times somebody was told how much of a daily budget is used.',
      labelNames: ['provider', 'share'],
      registers,
    }),
  };
}

function queueMetrics(registers: Registry[]) {
  return {
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
