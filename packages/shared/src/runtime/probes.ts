import express, { type Router } from 'express';
import type { Lifecycle } from './phase.ts';

/** `/health`, `/healthz`, `/livez`, `/readyz`, `/ready`: no credentials, never cached. */
export function probeRoutes(life: Lifecycle, facts: () => Record<string, unknown> = () => ({})): Router {
  const routes = express.Router();
  routes.get(['/health', '/healthz', '/livez'], (_request, response) => {
    response.set('Cache-Control', 'no-store').status(life.live() ? 200 : 503);
    response.json({
      ok: life.live(),
      status: life.live() ? 'live' : 'stopped',
      phase: life.phase(),
      uptimeMs: life.uptimeMs(),
      ...facts(),
    });
  });
  routes.get(['/ready', '/readyz'], (_request, response) => {
    const ready = life.ready();
    response.set('Cache-Control', 'no-store').status(ready ? 200 : 503);
    response.json({ ready, failing: life.failing(), uptimeMs: life.uptimeMs() });
  });
  return routes;
}
