import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import express, { type Router } from 'express';

const CSP = "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'; base-uri 'none'";

/** The employee's page: hashed assets for ever, everything else is the app itself. */
export function pageRoutes(folder: string, enabled: () => boolean): Router {
  const routes = express.Router();
  routes.get('/avatar/:agent', (request, response) => {
    if (request.query['meta'] === undefined) response.status(404).end();
    else response.json({ avatarUrl: null });
  });
  routes.use((request, response, next) => {
    if (enabled()) return next();
    response.status(404).type('text').send('the web page is switched off (gateway.controlUi.enabled)');
  });
  routes.use(
    '/assets',
    express.static(join(folder, 'assets'), { immutable: true, maxAge: '1y', fallthrough: false }),
  );
  routes.use(express.static(folder, { index: false, maxAge: 0 }));
  routes.get('/{*path}', (_request, response) => {
    const file = join(folder, 'index.html');
    response.set({
      'Cache-Control': 'no-cache',
      'Content-Security-Policy': CSP,
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
    });
    if (existsSync(file)) response.type('html').send(readFileSync(file));
    else
      response
        .status(503)
        .type('text')
        .send('the web page has not been built: run `pnpm --filter @moltbot/web build`');
  });
  return routes;
}
