import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { withUser, type Logger } from '@moltbot/shared/telemetry';
import type { Connection } from './ws/connection.ts';

export type GatewayEvents = ReturnType<typeof createEvents>;

/** Few values become labels, many values go to the log. The words `unauthorized` and `user:` are what operators search for. */
export function createEvents(log: Logger, registry: Registry, sockets: () => number) {
  const metrics = createMetrics(registry, sockets);
  return {
    opened(connection: Connection, result: string, userId?: string): void {
      metrics.opened.inc({ result });
      if (userId === undefined) return;
      const peer = connection.peer();
      log.info(
        {
          event: 'ws.opened',
          conn: connection.id,
          ip: connection.remoteAddress,
          client: peer?.client.id,
          protocol: peer?.protocol,
        },
        withUser('connected', userId),
      );
    },
    closed(connection: Connection, code: number): void {
      metrics.closed.inc({ code: String(code) });
      const userId = connection.peer()?.principal.userId;
      if (userId !== undefined)
        log.info({ event: 'ws.closed', conn: connection.id, code }, withUser('disconnected', userId));
    },
    refused(connection: Connection, reason: string): void {
      metrics.auth.inc({ result: 'refused', reason });
      log.warn(
        { event: 'auth.refused', ip: connection.remoteAddress },
        `unauthorized conn=${connection.id} reason=${reason}`,
      );
    },
    httpRefused(remoteAddress: string, reason: string, path: string): void {
      metrics.auth.inc({ result: 'refused', reason });
      log.warn({ event: 'auth.refused', ip: remoteAddress, path }, `unauthorized http reason=${reason}`);
    },
    /** Who is known but may not; a refused credential is `refused`. */
    forbidden(connection: Connection, method: string): void {
      metrics.auth.inc({ result: 'refused', reason: 'scope' });
      log.warn(
        { event: 'auth.forbidden', conn: connection.id, ip: connection.remoteAddress },
        withUser(`forbidden method=${method}`, connection.peer()?.principal.userId ?? ''),
      );
    },
    called(method: string, code: string, startedAtMs: number): void {
      metrics.calls.inc({ direction: 'in', method });
      metrics.duration.observe({ method, code }, (Date.now() - startedAtMs) / 1_000);
    },
    accepted(result: string, userId: string): void {
      metrics.accepted.inc({ result });
      if (result === 'accepted') log.info({ event: 'turn.accepted' }, withUser('turn accepted', userId));
      else log.warn({ event: 'turn.not_accepted', result }, withUser(`turn ${result}`, userId));
    },
    failed: (what: string, error: unknown): void => log.error({ err: error, what }, `${what} failed`),
    configChanged: (hash: string): void => {
      metrics.config.reset();
      metrics.config.set({ hash: hash.slice(0, 12) }, 1);
      log.info({ event: 'config.changed', hash }, 'configuration applied');
    },
    configRefused: (issues: unknown): void =>
      log.error(
        { event: 'config.invalid', issues },
        'the changed configuration is not valid; the one before stays in force',
      ),
    sessionsActive: (count: number): void => metrics.sessions.set(count),
    draining: (): void => metrics.draining.set(1),
  };
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

function createMetrics(registry: Registry, sockets: () => number) {
  const registers = [registry];
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
    auth: new Counter({
      name: 'moltbot_auth_decisions_total',
      help: 'Refused credentials.',
      labelNames: ['result', 'reason'],
      registers,
    }),
    sessions: new Gauge({
      name: 'moltbot_sessions_active',
      help: 'Sessions used in the last 15 minutes, of everybody; the same on every replica, so take the maximum.',
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
