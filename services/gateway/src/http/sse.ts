import type { Response } from 'express';

const HEARTBEAT_MS = 15_000;
/** A client that does not read is let go; its connection ends without an end of the answer. */
const MAX_BUFFERED_BYTES = 1_572_864;

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
  const write = (text: string): void => {
    if (response.writableEnded || response.destroyed) return;
    if (response.writableLength > MAX_BUFFERED_BYTES) response.destroy();
    else response.write(text);
  };
  const heartbeat = setInterval(() => write(': keep-alive\n\n'), HEARTBEAT_MS);
  response.once('close', () => clearInterval(heartbeat));
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
