import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import type { Scope } from '@moltbot/shared/contracts';
import { AppError, toAppError, toHttpError } from '@moltbot/shared/errors';
import { probeRoutes } from '@moltbot/shared/runtime';
import type { Services } from '../services.ts';
import { authenticate, type OnRefused } from './authenticate.ts';
import { chatCompletions } from './chat-completions.ts';
import { anthropicError } from './messages-shape.ts';
import { messages } from './messages.ts';
import { metrics } from './metrics.ts';
import { modelList } from './models.ts';
import type { OpenRequests } from './open-requests.ts';
import { pageRoutes } from './pages.ts';
import { cancelResponse, retrieveResponse } from './responses-stored.ts';
import { responses } from './responses.ts';
import { toolsInvoke } from './tools-invoke.ts';

export type AppDeps = Readonly<{
  services: Services;
  openRequests: Pick<OpenRequests, 'add'>;
  pageFolder: string;
  renderMetrics(): Promise<string>;
  onRefused: OnRefused;
  onFailed(path: string, error: unknown): void;
}>;

const MIB = 1_048_576;

/** Every HTTP route of the gateway. Unknown GETs are the page; other methods on them get 405. */
export function httpApp(deps: AppDeps): Express {
  const { services } = deps;
  const app = express().disable('x-powered-by').disable('etag');
  const allowed = (needed: Scope): RequestHandler => authenticate(deps, needed);
  const endpoints = () => services.config().gateway.http.endpoints;
  const post = (
    path: string,
    needed: Scope,
    limit: () => number,
    enabled: () => boolean,
    handler: RequestHandler,
  ): void => {
    app.all(path, only('POST'), switchedOn(path, enabled), allowed(needed), jsonBody(limit), handler);
  };
  app.use(probeRoutes(services.lifecycle, () => ({ version: services.host.version })));
  app.get(['/metrics', '/api/diagnostics/prometheus'], metrics(services, deps.renderMetrics, deps.onRefused));
  post(
    '/v1/chat/completions',
    'operator.write',
    () => MIB,
    () => endpoints().chatCompletions.enabled,
    chatCompletions(services),
  );
  post(
    '/v1/responses',
    'operator.write',
    () => endpoints().responses.maxBodyBytes,
    () => endpoints().responses.enabled,
    responses(services),
  );
  const stored = (path: string, method: string, needed: Scope, handler: RequestHandler): void => {
    const enabled = switchedOn('/v1/responses', () => endpoints().responses.enabled);
    app.all(path, only(method), enabled, allowed(needed), handler);
  };
  stored('/v1/responses/:id', 'GET', 'operator.read', retrieveResponse(services));
  stored('/v1/responses/:id/cancel', 'POST', 'operator.write', cancelResponse(services));
  post(
    '/v1/messages',
    'operator.write',
    () => 8 * MIB,
    () => endpoints().chatCompletions.enabled,
    messages(services),
  );
  post(
    '/tools/invoke',
    'operator.read',
    () => 2 * MIB,
    () => true,
    toolsInvoke(services),
  );
  app.get(['/v1/models', '/v1/models/:id'], allowed('operator.read'), modelList(services));
  app.all('/v1/{*path}', (request, _response, next) =>
    next(new AppError('NOT_FOUND', `${request.path} is not served`)),
  );
  app.use(pageRoutes(deps.pageFolder, () => services.config().gateway.controlUi.enabled));
  app.use(
    (_request, response) =>
      void response.status(405).set('Allow', 'GET').type('text').send('Method Not Allowed'),
  );
  app.use(failure(deps));
  return app;
}

function only(method: string): RequestHandler {
  return (request, response, next) => {
    if (request.method === method) return next();
    response.status(405).set('Allow', method).type('text').send('Method Not Allowed');
  };
}

function switchedOn(path: string, enabled: () => boolean): RequestHandler {
  return (_request, _response, next) => {
    next(
      enabled() ? undefined : new AppError('NOT_FOUND', `${path} is switched off in gateway.http.endpoints`),
    );
  };
}

/** Parsed whatever the content type says: upstream does, and curl's default is a form. */
function jsonBody(limit: () => number): RequestHandler {
  return (request, response, next) =>
    express.json({ limit: limit(), type: () => true, strict: false })(request, response, next);
}

function failure(deps: AppDeps): ErrorRequestHandler {
  return (cause: unknown, request, response, _next) => {
    const error = httpError(cause);
    if (error.code === 'INTERNAL') deps.onFailed(request.path, cause);
    if (response.headersSent) return void response.end();
    const { status, body } = toHttpError(error);
    if (error.retryAfterMs !== undefined)
      response.set('Retry-After', String(Math.ceil(error.retryAfterMs / 1_000)));
    response.status(status).json(request.path.startsWith('/v1/messages') ? anthropicError(error) : body);
  };
}

type BodyParserError = Error & { type?: string; status?: number; limit?: number };

/** body-parser's own errors carry a type; an asset that is missing carries a status. */
function httpError(cause: unknown): AppError {
  const { type, status, limit, message } = cause as BodyParserError;
  if (type === 'entity.too.large')
    return new AppError('PAYLOAD_TOO_LARGE', `request body is larger than ${limit} bytes`);
  if (type === 'entity.parse.failed') return new AppError('INVALID_REQUEST', `SyntaxError: ${message}`);
  if (!(cause instanceof AppError) && status !== undefined && status >= 400 && status < 500)
    return new AppError(status === 404 ? 'NOT_FOUND' : 'INVALID_REQUEST', message);
  return toAppError(cause);
}
