import type { RequestHandler } from 'express';
import { z } from 'zod';
import { AppError, ERRORS } from '@moltbot/shared/errors';
import type { Services } from '../services.ts';
import { principalOf } from './authenticate.ts';
import { TOOLS } from './tools.ts';

/** @NOTE as upstream: `args` of another kind count as none, and `action` goes to tools that have one (none of these). */
const Body = z.looseObject({
  tool: z.string().trim().catch(''),
  args: z.record(z.string(), z.unknown()).catch({}),
  sessionKey: z.string().trim().catch(''),
});

/** `POST /tools/invoke`: the few read-only tools that need no agent, over the caller's own sessions. */
export function toolsInvoke(services: Services): RequestHandler {
  return async (request, response) => {
    const {
      tool: name,
      args,
      sessionKey,
    } = Body.catch({ tool: '', args: {}, sessionKey: '' }).parse(request.body);
    if (name === '') throw new AppError('INVALID_REQUEST', 'tools.invoke requires body.tool');
    const tool = Object.hasOwn(TOOLS, name) ? TOOLS[name] : undefined;
    if (!tool)
      return void response
        .status(404)
        .json({ ok: false, error: { type: 'not_found', message: `Tool not available: ${name}` } });
    try {
      const { details, text = JSON.stringify(details, null, 2) } = await tool(
        { services, principal: principalOf(response), sessionKey: sessionKey || 'main' },
        args,
      );
      response.json({ ok: true, result: { content: [{ type: 'text', text }], details } });
    } catch (cause) {
      if (!(cause instanceof AppError)) throw cause;
      response
        .status(ERRORS[cause.code].http)
        .json({ ok: false, error: { type: 'tool_error', message: cause.message } });
    }
  };
}
