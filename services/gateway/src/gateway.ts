import type { Registry } from 'prom-client';
import type { MoltbotConfig } from '@moltbot/shared/contracts';
import { authKeys } from '@moltbot/shared/redis';
import { listen, VERSION, type Lifecycle } from '@moltbot/shared/runtime';
import { createLogControl, createRegistry, type LogControl } from '@moltbot/shared/telemetry';
import { addressList } from './adapters/address-list.ts';
import { deviceCrypto } from './adapters/device-crypto.ts';
import { mergedMetrics } from './adapters/merged-metrics.ts';
import { readTlsFiles } from './adapters/tls-files.ts';
import { openBackend, type Backend } from './backend.ts';
import type { GatewayConfig } from './config.ts';
import { clientAddress } from './domain/client-address.ts';
import { bindHost } from './domain/gateway-settings.ts';
import { createEvents, type GatewayEvents } from './events.ts';
import { httpApp } from './http/app.ts';
import { createOpenRequests, type OpenRequests } from './http/open-requests.ts';
import { createFanout } from './ws/fanout.ts';
import type { HandshakeDeps } from './ws/handshake.ts';
import { openWsServer, type WsServer } from './ws/server.ts';

export type Gateway = AsyncDisposable &
  Readonly<{ port: number; host: string; lifecycle: Lifecycle; drain(): Promise<void> }>;

export type GatewayOverrides = Readonly<{
  logs?: LogControl;
  /** Of other services in this process, shown on /metrics too. */
  registries?: readonly Registry[];
}>;

/** How far apart connections are sent away: all at once, they would come back all at once. */
const DRAIN_STEP_MS = 20;

/** The doors, HTTP and WebSocket, in front of what `openBackend` opens. No work of its own. */
export async function startGateway(
  config: GatewayConfig,
  overrides: GatewayOverrides = {},
): Promise<Gateway> {
  await using cleanup = new AsyncDisposableStack();
  const logs = overrides.logs ?? createLogControl('gateway');
  const registry = createRegistry('gateway', VERSION);
  const registries = [registry, ...(overrides.registries ?? [])];
  let sockets = (): number => 0;
  const events = createEvents(logs.logger, registry, () => sockets());
  const backend = cleanup.use(await openBackend(config, logs, events));
  const { services, verifier } = backend;
  const { lifecycle, config: current } = services;

  const trusted = (): ((address: string) => boolean) => addressList(current().gateway.trustedProxies);
  const openRequests = cleanup.use(createOpenRequests(verifier.stillValid));
  const app = httpApp({
    services,
    openRequests,
    pageFolder: config.webDir,
    renderMetrics: async () => await mergedMetrics(registries),
    onRefused: (request, reason) => {
      const peer = request.socket.remoteAddress ?? '';
      events.httpRefused(clientAddress(peer, request.headers, trusted()).ip, reason, request.path);
    },
    onFailed: events.failed,
  });
  const host = config.host ?? bindHost(current(), config.inKubernetes);
  const port = config.port ?? current().gateway.port;
  const http = cleanup.use(await listen(app, port, host, readTlsFiles(current())));
  const ws = cleanup.use(
    openWsServer(http.server, {
      services,
      fanout: createFanout(services),
      events,
      handshake: { verify: verifier.verify, crypto: deviceCrypto, auth: () => authRules(current()) },
      trustedProxies: trusted,
      stillValid: verifier.stillValid,
      maxSockets: config.maxSockets,
    }),
  );
  sockets = ws.count;
  await keepOutRevoked([ws, openRequests], backend, events);
  lifecycle.advance('ready');
  events.ready(http.port);

  const owned = cleanup.move();
  return {
    port: http.port,
    host,
    lifecycle,
    drain: async () => {
      lifecycle.advance('draining');
      events.draining();
      await sendAway(ws, openRequests, config.drainMs);
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

/** Connections one after the other; requests that can go on elsewhere at once, the others when they are answered. */
async function sendAway(ws: WsServer, requests: OpenRequests, drainMs: number): Promise<void> {
  const spreadMs = Math.min(drainMs, ws.count() * DRAIN_STEP_MS);
  await Promise.all([ws.drain(spreadMs), requests.drain(drainMs)]);
}

function authRules({ gateway }: MoltbotConfig): ReturnType<HandshakeDeps['auth']> {
  return {
    mode: gateway.auth.mode ?? 'token',
    allowInsecureAuth: gateway.controlUi.allowInsecureAuth,
  };
}

type Open = Pick<WsServer, 'closeToken' | 'recheck'>;

/** A revoked token loses its connections and requests at once; where the message may have been lost, all are looked at again. */
async function keepOutRevoked(
  doors: readonly Open[],
  { services, subscriber, verifier }: Backend,
  events: GatewayEvents,
): Promise<void> {
  const recheck = (): void => {
    for (const door of doors) door.recheck().catch((error: unknown) => events.failed('token check', error));
  };
  subscriber.onResubscribed(recheck);
  services.store.onChange(recheck);
  await subscriber.subscribe(authKeys.revoked, (tokenId) => {
    verifier.forget(tokenId);
    for (const door of doors) door.closeToken(tokenId);
  });
}
