import type { Request, RequestHandler } from 'express';
import { isLoopback } from '../domain/client-address.ts';
import type { Services } from '../services.ts';
import type { OnRefused } from './authenticate.ts';

/** Prometheus text, for loopback (the guide's scrape) and for whoever may read the gateway with a token. */
export function metrics(
  services: Services,
  render: () => Promise<string>,
  onRefused: OnRefused,
): RequestHandler {
  return async (request, response) => {
    if (!isDirectLoopback(request)) {
      const verdict = await services.verify(
        /^bearer\s+(.+)$/i.exec(request.headers.authorization ?? '')?.[1]?.trim() ?? '',
      );
      const may = verdict.ok && verdict.principal.roles.some((role) => role !== 'member');
      if (!may) {
        onRefused(request, verdict.ok ? 'forbidden' : verdict.reason);
        return void response
          .status(verdict.ok ? 403 : 401)
          .json({ error: { message: 'metrics need loopback or an operator token', type: 'unauthorized' } });
      }
    }
    response.set('Content-Type', 'text/plain; version=0.0.4; charset=utf-8').send(await render());
  };
}

/** @NOTE a proxy on the same machine is loopback too; its forwarding header gives it away. */
function isDirectLoopback(request: Request): boolean {
  const forwarded =
    request.headers['x-forwarded-for'] ?? request.headers['x-real-ip'] ?? request.headers['forwarded'];
  return forwarded === undefined && isLoopback((request.socket.remoteAddress ?? '').replace(/^::ffff:/, ''));
}
