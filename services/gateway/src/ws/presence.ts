import { platform, release } from 'node:os';
import type { Principal } from '../domain/principal.ts';
import type { Services } from '../services.ts';
import type { Fanout } from './fanout.ts';

/** This gateway and the caller's own connections to it; nobody sees who else is here. */
export function presenceOf(services: Services, fanout: Fanout, principal: Principal): unknown[] {
  const { name: host, version } = services.host;
  const self = {
    host,
    ip: '',
    version,
    platform: `${platform()} ${release()}`,
    deviceFamily: 'Linux',
    mode: 'gateway',
    reason: 'self',
    text: `Gateway: ${host} · app ${version} · mode gateway`,
    ts: Date.now(),
  };
  const own = fanout.connections(principal.userId).flatMap((connection) => {
    const peer = connection.peer();
    if (!peer || peer.client.mode === 'cli') return [];
    const { client } = peer;
    return [
      {
        host: client.displayName ?? client.id,
        ip: connection.remoteAddress,
        version: client.version,
        platform: client.platform,
        mode: client.mode,
        reason: 'connect',
        text: `${client.displayName ?? client.id} · ${client.mode}`,
        ts: connection.connectedAtMs,
        roles: [peer.role],
        scopes: peer.scopes,
        ...(client.instanceId !== undefined && { instanceId: client.instanceId }),
        ...(peer.deviceId !== undefined && { deviceId: peer.deviceId }),
      },
    ];
  });
  return [self, ...own];
}
