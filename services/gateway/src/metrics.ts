import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export type GatewayMetrics = ReturnType<typeof createMetrics>;

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

export function createMetrics(registry: Registry, sockets: () => number) {
  const registers = [registry];
  return {
    ...connectionMetrics(registers, sockets),
    ...requestMetrics(registers),
    ...stateMetrics(registers),
  };
}

function connectionMetrics(registers: Registry[], sockets: () => number) {
  new Gauge({
    name: 'moltbot_ws_connections',
    help: 'Open WebSocket connections of this replica.',
    registers,
    collect() {
      this.set(sockets());
    },
  });
  return {
    opened: new Counter({
      name: 'moltbot_ws_connections_opened_total',
      help: 'Handshakes by result.',
      labelNames: ['result'],
      registers,
    }),
    closed: new Counter({
      name: 'moltbot_ws_closed_total',
      help: 'Closed connections by close code.',
      labelNames: ['code'],
      registers,
    }),
    auth: new Counter({
      name: 'moltbot_auth_decisions_total',
      help: 'Refused credentials.',
      labelNames: ['result', 'reason'],
      registers,
    }),
  };
}

function requestMetrics(registers: Registry[]) {
  return {
    calls: new Counter({
      name: 'moltbot_ws_messages_total',
      help: 'Requests by method.',
      labelNames: ['direction', 'method'],
      registers,
    }),
    duration: new Histogram({
      name: 'moltbot_rpc_duration_seconds',
      help: 'Time to answer a request.',
      labelNames: ['method', 'code'],
      buckets: SECONDS,
      registers,
    }),
    accepted: new Counter({
      name: 'moltbot_turns_accepted_total',
      help: 'Messages handed in, by what became of them.',
      labelNames: ['result'],
      registers,
    }),
  };
}

function stateMetrics(registers: Registry[]) {
  return {
    sessions: new Gauge({
      name: 'moltbot_sessions_active',
      help: 'Sessions used in the last 15 minutes, of everybody; the same on every replica, so take the maximum.',
      registers,
    }),
    replicated: new Histogram({
      name: 'moltbot_replica_wait_seconds',
      help: 'Time until enough replicas of Redis held what was to be shown; met="no" where they did not.',
      labelNames: ['met'],
      buckets: SECONDS,
      registers,
    }),
    draining: new Gauge({
      name: 'moltbot_draining',
      help: '1 while this replica sends its connections away.',
      registers,
    }),
    config: new Gauge({
      name: 'moltbot_config_hash_info',
      help: 'Always 1; the label says which configuration is in force.',
      labelNames: ['hash'],
      registers,
    }),
  };
}
