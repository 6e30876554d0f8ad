import type { ServerResponse } from 'node:http';
import type { Answer } from '../domain/answer.ts';
import { deliverTokens, endWith, type Delivery } from '../http/delivery.ts';
import { signatureOf } from './content.ts';
import * as wire from './wire.ts';

/** Sends an answer as the event sequence of the Messages API. */
export async function streamMessage(
  res: ServerResponse,
  head: wire.MessageHead,
  answer: Answer,
  delivery: Delivery,
): Promise<void> {
  res.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'request-id': head.id,
  });
  let opening = wire.messageStart(head);
  let block = 0;
  if (answer.thinking.length > 0) {
    const thought = await streamThinking(res, opening, answer, delivery);
    if (!thought) return;
    opening = '';
    block = 1;
  }
  const hasText = answer.tool === undefined && (answer.tokens.length > 0 || delivery.endless);
  if (hasText) opening += wire.blockStart(block, { type: 'text', text: '' }) + wire.PING;
  const pace = block === 0 ? delivery : { ...delivery, firstTokenMs: 0 };
  const sent = await deliverTokens(res, opening, answer.tokens, pace, {
    delta: (text) => wire.textDelta(block, text),
    overloaded: wire.OVERLOADED,
  });
  if (!sent) return;
  const close = hasText ? wire.blockStop(block) : wire.toolBlock(block, head, answer);
  await endWith(res, close + wire.messageDelta(head, answer) + wire.MESSAGE_STOP, delivery);
}

async function streamThinking(
  res: ServerResponse,
  opening: string,
  answer: Answer,
  delivery: Delivery,
): Promise<boolean> {
  const start = wire.blockStart(0, { type: 'thinking', thinking: '', signature: '' });
  const unbroken: Delivery = { ...delivery, breaks: undefined, endless: false };
  const sent = await deliverTokens(res, opening + start + wire.PING, answer.thinking, unbroken, {
    delta: (thinking) => wire.blockDelta(0, { type: 'thinking_delta', thinking }),
    overloaded: wire.OVERLOADED,
  });
  if (!sent) return false;
  const signature = signatureOf(answer.thinking.join(''));
  res.write(wire.blockDelta(0, { type: 'signature_delta', signature }) + wire.blockStop(0));
  return true;
}
