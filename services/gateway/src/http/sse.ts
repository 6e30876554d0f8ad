import type { Response } from 'express';
import type { Room } from './hear-run.ts';
import { isPast, placeId, type Place } from './place.ts';

const HEARTBEAT_MS = 15_000;
/** A client that does not read is let go; its connection ends without an end of the answer. */
const MAX_BUFFERED_BYTES = 1_572_864;
/** What is told again waits for its reader behind so much, and for so long. */
const MAX_AHEAD_BYTES = 65_536;
const STALLED_MS = 60_000;
const RETRY_MS = 1_000;
/** Behind a comment, so that a reader that takes every frame for data passes it over. */
const OPENING = `: stream\nretry: ${RETRY_MS}\n\n`;

export type Sse = Readonly<{
  /** The run's event that the next frames are made of; '' for none. */
  at(cursor: string): void;
  data(value: unknown): void;
  event(name: string, value: unknown): void;
  /** One frame as it stands, without the empty line behind it. */
  frame(lines: string): void;
  end(last?: string): void;
}>;

export type SseOptions = Readonly<{
  /** The client can come back and go on: when this replica stops, it is sent elsewhere at once. */
  resumable?: boolean;
  /** Frames say their place, by which the repeated request goes on. */
  ids?: boolean;
  /** Frames up to here were sent before. */
  after?: Place | undefined;
}>;

/** Server-sent events that proxies neither buffer nor cut: a comment line goes out while nothing else does. */
export function openSse(response: Response, { resumable, ids, after }: SseOptions = {}): Sse {
  response.status(200);
  response.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
  response.setHeader('Cache-Control', 'no-cache, no-transform');
  response.setHeader('X-Accel-Buffering', 'no');
  let opening = OPENING;
  let place: Place = { cursor: '', frame: 0 };
  const gone = (): boolean => response.writableEnded || response.destroyed;
  const unread = unreadOf(response);
  const write = (text: string): void => {
    if (gone()) return;
    if (unread() > MAX_BUFFERED_BYTES) return void response.destroy();
    response.write(opening + text);
    opening = '';
  };
  const frame = (lines: string): void => {
    place = { ...place, frame: place.frame + 1 };
    if (after && !isPast(place, after)) return;
    write(ids && place.cursor !== '' ? `${lines}\nid: ${placeId(place)}\n\n` : `${lines}\n\n`);
  };
  const heartbeat = setInterval(() => {
    if (response.writableLength === 0) write(': keep-alive\n\n');
  }, HEARTBEAT_MS);
  response.once('close', () => clearInterval(heartbeat));
  if (resumable) sendAwayBy(response);
  if (after) response.flushHeaders(); // there may be nothing to say for a while
  return {
    at: (cursor) => {
      if (cursor !== place.cursor) place = { cursor, frame: 0 };
    },
    data: (value) => {
      if (!gone()) frame(`data: ${JSON.stringify(value)}`);
    },
    event: (name, value) => {
      if (!gone()) frame(`event: ${name}\ndata: ${JSON.stringify(value)}`);
    },
    frame,
    end: (last = '') => {
      clearInterval(heartbeat);
      if (!response.writableEnded) response.end(opening + last);
    },
  };
}

/** What was written in this tick counts from the next on: nobody can have read it yet. */
function unreadOf(response: Response): () => number {
  let bytes: number | undefined;
  return () => {
    if (bytes === undefined) setImmediate(() => (bytes = undefined));
    return (bytes ??= response.writableLength);
  };
}

export function roomIn(response: Response): Room {
  return () =>
    response.writableLength > MAX_AHEAD_BYTES && !response.destroyed ? taken(response) : undefined;
}

/** When everything that was written has gone out, or the client is gone. */
async function taken(response: Response): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const done = (): void => resolve(undefined);
  const stalled = setTimeout(() => response.destroy(), STALLED_MS);
  response.once('close', done);
  response.write(': more\n\n', done);
  await promise;
  clearTimeout(stalled);
  response.off('close', done);
}

type Leaving = { sendAway?: () => void };

/** It breaks off instead of ending: a stream that ends looks whole to a client that does not look closely. */
function sendAwayBy(response: Response): void {
  (response.locals as Leaving).sendAway = () => {
    const retryMs = RETRY_MS / 2 + Math.round(Math.random() * RETRY_MS); // not all at once
    response.write(`retry: ${retryMs}\n\n`, () => response.destroy());
  };
}

/** Sends the reader of a stream that can go on elsewhere away; leaves every other answer alone. */
export const sendAway = (response: Response): void => (response.locals as Leaving).sendAway?.();
