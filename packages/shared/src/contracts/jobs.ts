import { z } from 'zod';
import { CanonicalKey, SessionId, UserId } from './ids.ts';

/** A wake-up, not a message: ids only. Widen by adding `v: 2`; never edit `v: 1` in place. */
export const TurnJob = z.strictObject({ v: z.literal(1), sid: SessionId, uid: UserId, key: CanonicalKey });
export type TurnJob = z.infer<typeof TurnJob>;

/** Work of different weight never shares a queue, so that its concurrency is capped apart. */
export const LANES = ['main', 'subagent'] as const;
export type Lane = (typeof LANES)[number];

/** BullMQ's key prefix and queue names: one queue a lane and provider pool. */
export const QUEUE_PREFIX = '{moltbot}';
export const queueName = (lane: Lane, pool: string): string => `${lane}-${pool}`;
