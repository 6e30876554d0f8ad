import type { Request } from 'express';
import { AppError } from '@moltbot/shared/errors';
import { isAfter } from '../domain/event-order.ts';
import { idempotencyKey } from './request-id.ts';

/** How far a stream has come: the run's event that was told last, and how many frames were made of it. */
export type Place = Readonly<{ cursor: string; frame: number }>;

const PLACE = /^(\d{1,19}-\d{1,19})(?:\.(\d{1,6}))?$/;

/** What an `id:` line says; the first frame of an event is named by the event alone. */
export const placeId = ({ cursor, frame }: Place): string => (frame === 1 ? cursor : `${cursor}.${frame}`);

/** Frames before the run's first event have no place: who comes back has had them. */
export function isPast({ cursor, frame }: Place, seen: Place): boolean {
  if (cursor === seen.cursor) return frame > seen.frame;
  return cursor !== '' && isAfter(cursor, seen.cursor);
}

/** How a streamed request and its repetition belong together: by the Idempotency-Key, or not at all. */
export type Resume = Readonly<{ mayReturn: boolean; after: Place | undefined }>;

export function resumeOf(request: Pick<Request, 'get'>): Resume {
  return { mayReturn: idempotencyKey(request) !== undefined, after: lastPlace(request) };
}

/** Where a repeated request goes on: its `Last-Event-ID`. Whether that place exists, the run's events say. */
function lastPlace(request: Pick<Request, 'get'>): Place | undefined {
  const given = request.get('last-event-id')?.trim();
  if (given === undefined || given === '') return undefined;
  if (idempotencyKey(request) === undefined)
    throw new AppError(
      'INVALID_REQUEST',
      'Last-Event-ID: send the Idempotency-Key of the request that this one goes on with',
    );
  const [, cursor = '', frame = '1'] = PLACE.exec(given) ?? [];
  if (cursor === '') throw goneAway();
  return { cursor, frame: Number(frame) };
}

export const goneAway = (): AppError =>
  new AppError(
    'CONFLICT',
    'Last-Event-ID: this answer has no such event, or its events are no longer kept; ask again without Last-Event-ID for the whole answer',
  );
