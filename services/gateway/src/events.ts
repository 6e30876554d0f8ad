import type { Registry } from 'prom-client';
import type { ConfigIssue } from '@moltbot/shared/contracts';
import { redactText, withUser, type Logger } from '@moltbot/shared/telemetry';
import { createMetrics, type GatewayMetrics } from './metrics.ts';
import type { Connection } from './ws/connection.ts';

export type GatewayEvents = ReturnType<typeof createEvents>;

const MOST_PATH_CHARS = 200;

/** Few values become labels, many values go to the log. The words `unauthorized` and `user:` are what operators search for. */
export function createEvents(log: Logger, registry: Registry, sockets: () => number) {
  const metrics = createMetrics(registry, sockets);
  return {
    ...connectionEvents(log, metrics),
    ...refusalEvents(log, metrics),
    ...configEvents(log, metrics),
    called(method: string, code: string, startedAtMs: number): void {
      metrics.calls.inc({ direction: 'in', method });
      metrics.duration.observe({ method, code }, (Date.now() - startedAtMs) / 1_000);
    },
    accepted: (result: string, userId: string): void => {
      metrics.accepted.inc({ result });
      if (result === 'accepted') log.info({ event: 'turn.accepted' }, withUser('turn accepted', userId));
      else log.warn({ event: 'turn.not_accepted', result }, withUser(`turn ${result}`, userId));
    },
    failed: (what: string, error: unknown): void => log.error({ err: error, what }, `${what} failed`),
    sessionsActive: (count: number): void => metrics.sessions.set(count),
    replicated: (held: boolean, seconds: number): void =>
      metrics.replicated.observe({ met: held ? 'yes' : 'no' }, seconds),
    ready: (port: number): void => log.info({ event: 'gateway.ready', port }, 'gateway is ready'),
    draining: (): void => metrics.draining.set(1),
  };
}

function connectionEvents(log: Logger, { opened, closed }: GatewayMetrics) {
  return {
    opened(connection: Connection, result: string, userId?: string): void {
      opened.inc({ result });
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
      closed.inc({ code: String(code) });
      const userId = connection.peer()?.principal.userId;
      if (userId !== undefined)
        log.info({ event: 'ws.closed', conn: connection.id, code }, withUser('disconnected', userId));
    },
  };
}

function refusalEvents(log: Logger, { auth }: GatewayMetrics) {
  return {
    refused(connection: Connection, reason: string): void {
      auth.inc({ result: 'refused', reason });
      log.warn(
        { event: 'auth.refused', ip: connection.remoteAddress },
        `unauthorized conn=${connection.id} reason=${reason}`,
      );
    },
    httpRefused: (remoteAddress: string, reason: string, path: string): void => {
      auth.inc({ result: 'refused', reason });
      const shownPath = redactText(path).slice(0, MOST_PATH_CHARS); // a stranger chose it
      log.warn(
        { event: 'auth.refused', ip: remoteAddress, path: shownPath },
        `unauthorized http reason=${reason}`,
      );
    },
    /** Who is known but may not; a refused credential is `refused`. */
    forbidden(connection: Connection, method: string): void {
      auth.inc({ result: 'refused', reason: 'scope' });
      log.warn(
        { event: 'auth.forbidden', conn: connection.id, ip: connection.remoteAddress },
        withUser(`forbidden method=${method}`, connection.peer()?.principal.userId ?? ''),
      );
    },
  };
}

function configEvents(log: Logger, { config }: GatewayMetrics) {
  return {
    configChanged: (hash: string): void => {
      config.reset();
      config.set({ hash: hash.slice(0, 12) }, 1);
      log.info({ event: 'config.changed', hash }, 'configuration applied');
    },
    configRefused: (issues: readonly ConfigIssue[]): void =>
      log.error(
        { event: 'config.invalid', issues },
        'the changed configuration is not valid; the one before stays in force',
      ),
  };
}
