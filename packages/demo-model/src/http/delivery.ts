import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setImmediate as nextTick, setTimeout as wait } from 'node:timers/promises';
import type { Fault } from '../domain/faults.ts';

/** How an answer travels: its pace, and where it breaks. */
export type Delivery = Readonly<{
  firstTokenMs: number;
  tokenDelayMs: number;
  breaks: Readonly<{ how: Break; afterTokens: number }> | undefined;
  endless: boolean;
  /** Bytes sent at a time, whatever they cut through; undefined: as they come. */
  pieceBytes: number | undefined;
}>;
type Break = 'stall' | 'cut' | 'malformed' | 'truncate' | 'overloaded';

/** The bytes of one wire format that a delivery needs. */
export type Frames = Readonly<{
  delta(text: string): string;
  overloaded: string;
}>;

/** Deltas sent before other answers get their turn; the first one always goes alone. */
const BURST_TOKENS = 16;
const ENDLESS_DELAY_MS = 5;
/** A JSON string that never closes, with a byte no UTF-8 text may hold. */
const MALFORMED = Buffer.from(
  'event: content_block_delta\ndata: {"type":"content_block_delta","x\xff\n\n',
  'latin1',
);

export function deliveryOf(fault: Fault | undefined, tokenDelayMs: number): Delivery {
  const plain = { firstTokenMs: 0, tokenDelayMs, breaks: undefined, endless: false, pieceBytes: undefined };
  switch (fault?.kind) {
    case 'slow':
      return { ...plain, firstTokenMs: fault.firstTokenMs };
    case 'endless':
      return { ...plain, tokenDelayMs: Math.max(tokenDelayMs, ENDLESS_DELAY_MS), endless: true };
    case 'split':
      return { ...plain, pieceBytes: fault.bytes };
    case 'stall':
    case 'cut':
    case 'malformed':
    case 'truncate':
    case 'overloaded':
      return { ...plain, breaks: { how: fault.kind, afterTokens: fault.afterTokens } };
    default:
      return plain;
  }
}

/** Faults that come in place of an answer; true when there is none any more. */
export async function withheld(res: ServerResponse, fault: Fault | undefined): Promise<boolean> {
  if (fault?.kind === 'reset') res.socket?.resetAndDestroy();
  else if (fault?.kind === 'silent') await untilClosed(res);
  else return false;
  return true;
}

/**
 * Sends `opening` with the first token, then the rest; true when the caller may close
 * the stream in good order, false when it broke or the client has gone.
 */
export async function deliverTokens(
  res: ServerResponse,
  opening: string,
  tokens: readonly string[],
  delivery: Delivery,
  frames: Frames,
): Promise<boolean> {
  const { breaks, firstTokenMs, endless } = delivery;
  let held = opening;
  if (firstTokenMs > 0) {
    res.write(held);
    held = '';
    await pause(res, firstTokenMs);
  }
  let from = 0;
  if (breaks) {
    // A break set beyond the end of the answer happens at its end.
    from = Math.min(breaks.afterTokens, tokens.length);
    if (!(await sendRange(res, held, tokens, { from: 0, to: from }, delivery, frames))) return false;
    if (!(await breakStream(res, breaks.how, frames))) return false;
    held = '';
  }
  const to = endless ? Number.POSITIVE_INFINITY : tokens.length;
  return sendRange(res, held, tokens, { from, to }, delivery, frames);
}

async function sendRange(
  res: ServerResponse,
  opening: string,
  tokens: readonly string[],
  range: Readonly<{ from: number; to: number }>,
  { tokenDelayMs, pieceBytes }: Delivery,
  frames: Frames,
): Promise<boolean> {
  let held = opening;
  for (let at = range.from; at < range.to; at += 1) {
    if (isGone(res)) return false;
    await send(res, held + frames.delta(tokens[at % tokens.length] ?? '…'), pieceBytes);
    held = '';
    if (tokenDelayMs > 0) await pause(res, tokenDelayMs);
    else if (at % BURST_TOKENS === 0) await nextTick();
  }
  if (held !== '') res.write(held);
  return !isGone(res);
}

async function send(res: ServerResponse, text: string, pieceBytes: number | undefined): Promise<void> {
  if (pieceBytes === undefined) {
    if (!res.write(text)) await drained(res);
    return;
  }
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length && !isGone(res); at += pieceBytes) {
    res.write(bytes.subarray(at, at + pieceBytes));
    await nextTick(); // or the pieces would travel together
  }
}

/** The end of an answer in good order. */
export async function endWith(res: ServerResponse, text: string, { pieceBytes }: Delivery): Promise<void> {
  if (pieceBytes !== undefined) await send(res, text, pieceBytes);
  res.end(pieceBytes === undefined ? text : undefined);
}

/** True when the answer goes on after it. */
async function breakStream(res: ServerResponse, how: Break, frames: Frames): Promise<boolean> {
  switch (how) {
    case 'malformed':
      res.write(MALFORMED);
      return true;
    case 'overloaded':
      res.end(frames.overloaded);
      return false;
    case 'truncate':
      res.end();
      return false;
    case 'cut':
      await cutConnection(res);
      return false;
    case 'stall':
      await untilClosed(res);
      return false;
  }
}

/** What was written arrives; then the connection dies without the end of the body. */
export async function cutConnection(res: ServerResponse): Promise<void> {
  if (!res.headersSent) res.flushHeaders();
  await new Promise<void>((flushed) => res.write('\n', () => flushed()));
  res.socket?.destroy();
}

export async function untilClosed(res: ServerResponse): Promise<void> {
  if (!isGone(res)) await once(res, 'close');
}

export async function pause(res: ServerResponse, ms: number): Promise<void> {
  if (isGone(res)) return;
  const gone = new AbortController();
  const stop = (): void => gone.abort();
  res.once('close', stop);
  await wait(ms, undefined, { signal: gone.signal }).catch(() => undefined);
  res.off('close', stop);
}

async function drained(res: ServerResponse): Promise<void> {
  const settled = new AbortController();
  await Promise.race([
    once(res, 'drain', { signal: settled.signal }),
    once(res, 'close', { signal: settled.signal }),
  ]).catch(() => undefined);
  settled.abort();
}

function isGone(res: ServerResponse): boolean {
  return res.destroyed || res.closed || res.socket?.destroyed === true;
}
