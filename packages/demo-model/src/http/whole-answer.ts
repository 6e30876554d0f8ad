import type { ServerResponse } from 'node:http';
import type { Fault } from '../domain/faults.ts';
import { sendJson } from './body.ts';
import { cutConnection, deliveryOf, pause, untilClosed } from './delivery.ts';

/** An answer in one JSON body, at the pace and with the breaks of a streamed one. */
export async function sendWholeAnswer(
  res: ServerResponse,
  body: string,
  tokens: number,
  fault: Fault | undefined,
  tokenDelayMs: number,
): Promise<void> {
  const delivery = deliveryOf(fault, tokenDelayMs);
  const waitMs = delivery.firstTokenMs + delivery.tokenDelayMs * tokens;
  if (delivery.endless || delivery.breaks?.how === 'stall') return untilClosed(res);
  if (waitMs > 0) await pause(res, waitMs);
  switch (delivery.breaks?.how) {
    case 'cut':
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length * 4 });
      res.write(body.slice(0, body.length / 2));
      return cutConnection(res);
    case 'malformed':
    case 'truncate':
      return sendJson(res, 200, body.slice(0, body.length / 2));
    case 'overloaded':
    case undefined:
      return sendJson(res, 200, body);
  }
}
