import type { HelloOk } from '@moltbot/shared/contracts';
import type { Services } from '../services.ts';
import { mainSessionKey } from '../domain/session-key.ts';
import { type Connection, type Peer, POLICY } from './connection.ts';
import { EVENTS, LISTED_METHODS } from './dispatch.ts';
import type { Fanout } from './fanout.ts';
import { presenceOf } from './presence.ts';

/** The answer to connect. Never `auth`: a stored device token would outlive and outrank the person's own (docs/adr). */
export function helloOk(
  services: Services,
  fanout: Fanout,
  connection: Connection,
  peer: Peer,
  health: unknown,
): HelloOk {
  const rules = services.rules();
  const mainKey = mainSessionKey(rules);
  return {
    type: 'hello-ok',
    protocol: peer.protocol,
    server: { version: services.host.version, host: services.host.name, connId: connection.id },
    features: { methods: LISTED_METHODS, events: [...EVENTS] },
    snapshot: {
      presence: presenceOf(services, fanout, peer.principal),
      health,
      stateVersion: { presence: 0, health: 0 },
      uptimeMs: services.lifecycle.uptimeMs(),
      sessionDefaults: {
        defaultAgentId: rules.defaultAgentId,
        mainKey: rules.mainKey,
        mainSessionKey: mainKey,
        scope: rules.scope,
      },
      user: { id: peer.principal.userId, kind: peer.principal.kind, scopes: peer.scopes },
    },
    policy: POLICY,
  };
}
