import type { Response } from 'express';

const HEARTBEAT_MS = 15_000;

export type Sse = Readonly<{
  write(text: string): void;
  data(value: unknown): void;
  event(name: string, value: unknown): void;
  end(last?: string): void;
}>;

/** Server-sent events that proxies neither buffer nor cut: a comment line goes out while nothing else does. */
export function openSse(response: Response): Sse {
  response.status(200);
  response.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
  response.setHeader('Cache-Control', 'no-cache, no-transform');
  response.setHeader('X-Accel-Buffering', 'no');
  response.flushHeaders();
  const heartbeat = setInterval(() => response.write(': keep-alive\n\n'), HEARTBEAT_MS);
  response.once('close', () => clearInterval(heartbeat));
  const write = (text: string): void => {
    if (!response.writableEnded && !response.destroyed) response.write(text);
  };
  return {
    write,
    data: (value) => write(`data: ${JSON.stringify(value)}\n\n`),
    event: (name, value) => write(`event: ${name}\ndata: ${JSON.stringify(value)}\n\n`),
    end: (last = '') => {
      clearInterval(heartbeat);
      if (!response.writableEnded) response.end(last);
    },
  };
}
