import type { IncomingMessage, ServerResponse } from 'node:http';
import * as anthropic from '../anthropic/endpoints.ts';
import * as anthropicWire from '../anthropic/wire.ts';
import { Refusal } from '../domain/refusal.ts';
import * as openai from '../openai/endpoints.ts';
import * as openaiWire from '../openai/wire.ts';
import { readJson, sendJson } from './body.ts';
import type { Call, Model } from './context.ts';
import * as control from './control.ts';
import { getModels } from './models.ts';

type Endpoint = (call: Call) => Promise<void>;

const API: Readonly<Record<string, Endpoint>> = {
  'POST /v1/messages': anthropic.postMessages,
  'POST /v1/messages/count_tokens': anthropic.postCountTokens,
  'POST /v1/chat/completions': openai.postChatCompletions,
  'GET /v1/models': getModels,
};
const CONTROL: Readonly<Record<string, Endpoint>> = {
  'POST /__demo/script': control.postScript,
  'GET /__demo/requests': control.getRequests,
  'DELETE /__demo/requests': control.deleteRequests,
};

export async function handle(req: IncomingMessage, res: ServerResponse, model: Model): Promise<void> {
  try {
    await route(req, res, model);
  } catch (error) {
    refuse(req, res, model, error);
  }
}

async function route(req: IncomingMessage, res: ServerResponse, model: Model): Promise<void> {
  const { method = 'GET' } = req;
  const path = pathOf(req);
  const name = `${method} ${path}`;
  const inControl = model.controlled ? CONTROL[name] : undefined;
  const endpoint = API[name] ?? inControl;
  if (!endpoint) throw new Refusal(404, `Not found: ${name}`);
  const body = method === 'POST' ? await readJson(req) : undefined;
  if (!inControl) {
    const settle = model.recorder.add({ method, path, headers: req.headers, body, receivedAtMs: Date.now() });
    res.once('close', () => settle(res.writableFinished ? 'finished' : 'aborted'));
    requireKey(req, model.apiKey);
  }
  await endpoint({ req, res, body, model });
}

function pathOf(req: IncomingMessage): string {
  const url = req.url ?? '/';
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}

function requireKey(req: IncomingMessage, apiKey: string | undefined): void {
  if (apiKey === undefined) return;
  const bearer = /^Bearer (.+)$/.exec(req.headers.authorization ?? '')?.[1];
  if ((req.headers['x-api-key'] ?? bearer) !== apiKey) throw new Refusal(401, 'invalid x-api-key');
}

function refuse(req: IncomingMessage, res: ServerResponse, model: Model, error: unknown): void {
  if (res.headersSent || res.destroyed) {
    res.destroy();
    return;
  }
  const known = error instanceof Refusal;
  const status = known ? error.status : 500;
  const message = known ? error.message : `Demo model failed: ${String(error)}`;
  const requestId = `req_demo_${model.nextId()}`;
  const isOpenAi = pathOf(req) === '/v1/chat/completions';
  const body = isOpenAi
    ? openaiWire.errorBody(status, message)
    : anthropicWire.errorBody(status, message, requestId);
  const retryAfter = known ? error.retryAfterSeconds : undefined;
  sendJson(res, status, body, {
    'request-id': requestId,
    ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
  });
}
