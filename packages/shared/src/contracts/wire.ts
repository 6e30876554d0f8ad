/**
 * Moltbot's WebSocket frames (protocol 3 and 4). Loose objects: older and newer
 * clients differ, and both sides ignore what they do not know.
 */
import { z } from 'zod';

export const ErrorShape = z.looseObject({
  code: z.string(),
  message: z.string(),
  details: z.unknown().optional(),
  retryable: z.boolean().optional(),
  retryAfterMs: z.number().int().min(0).optional(),
});
export type ErrorShape = z.infer<typeof ErrorShape>;

export const RequestFrame = z.strictObject({
  type: z.literal('req'),
  id: z.string().min(1),
  method: z.string().min(1),
  params: z.unknown().optional(),
});
export type RequestFrame = z.infer<typeof RequestFrame>;

export const ResponseFrame = z.looseObject({
  type: z.literal('res'),
  id: z.string(),
  ok: z.boolean(),
  payload: z.unknown().optional(),
  error: ErrorShape.optional(),
});
export type ResponseFrame = z.infer<typeof ResponseFrame>;

export const EventFrame = z.looseObject({
  type: z.literal('event'),
  event: z.string().min(1),
  payload: z.unknown().optional(),
  seq: z.number().int().min(0).optional(),
  stateVersion: z.looseObject({ presence: z.number().int(), health: z.number().int() }).optional(),
});
export type EventFrame = z.infer<typeof EventFrame>;

export const HelloOk = z.looseObject({
  type: z.literal('hello-ok'),
  protocol: z.number().int(),
  server: z.looseObject({ version: z.string(), connId: z.string() }),
  features: z.looseObject({ methods: z.array(z.string()), events: z.array(z.string()) }),
  snapshot: z.looseObject({
    sessionDefaults: z.looseObject({ mainSessionKey: z.string(), mainKey: z.string() }).optional(),
  }),
  policy: z.looseObject({
    maxPayload: z.number().int(),
    maxBufferedBytes: z.number().int(),
    tickIntervalMs: z.number().int(),
  }),
});
export type HelloOk = z.infer<typeof HelloOk>;

/** What a message looks like in `chat` events and `chat.history`. */
export const WireMessage = z.looseObject({
  role: z.string(),
  content: z.union([z.string(), z.array(z.looseObject({ type: z.string() }))]),
  timestamp: z.number().optional(),
});
export type WireMessage = z.infer<typeof WireMessage>;

/** `delta` carries the whole text so far; exactly one of final, aborted, error ends a run. */
export const ChatEvent = z.looseObject({
  runId: z.string(),
  sessionKey: z.string(),
  seq: z.number().int(),
  state: z.enum(['delta', 'final', 'aborted', 'error', 'status']),
  message: WireMessage.optional(),
  errorMessage: z.string().optional(),
  stopReason: z.string().optional(),
  usage: z.unknown().optional(),
  cursor: z.string().optional(),
});
export type ChatEvent = z.infer<typeof ChatEvent>;

export const AgentEvent = z.looseObject({
  runId: z.string(),
  sessionKey: z.string().optional(),
  seq: z.number().int(),
  ts: z.number(),
  stream: z.string(),
  data: z.looseObject({}),
  cursor: z.string().optional(),
});
export type AgentEvent = z.infer<typeof AgentEvent>;

/** What `chat.resume` answers: what was missed after a cursor, or with `gap` only how things stand now. */
export const ResumeAnswer = z.looseObject({
  sessionKey: z.string(),
  sessionId: z.string().optional(),
  /** Of the newest event; empty when there is no such session. */
  cursor: z.string(),
  gap: z.boolean(),
  /** `chat` and `agent` events. */
  frames: z.array(z.looseObject({ event: z.string(), payload: z.looseObject({}) })),
  runs: z.array(
    z.looseObject({
      runId: z.string(),
      sessionKey: z.string(),
      /** `waiting` or `running`. */
      state: z.string(),
      /** Everything said so far. */
      text: z.string(),
      thinking: z.string().optional(),
      startedAt: z.number().optional(),
      attempt: z.number().int(),
    }),
  ),
});
export type ResumeAnswer = z.infer<typeof ResumeAnswer>;

/**
 * A place in a session's stream: `<sid>/<event id>`, the event and all before it. An event may make
 * several frames; all but its last carry `<sid>/<event id>.<part>`: the event up to that frame.
 */
export type Cursor = Readonly<{ sid: string; eventId: string; place: readonly number[] }>;

const CURSOR = /^([\w-]{1,64})\/((\d{1,15})-(\d{1,15}))(?:\.([1-9]))?$/;
const WHOLE_EVENT = 10;

/** undefined: not a cursor. */
export function readCursor(text: string): Cursor | undefined {
  const [, sid, eventId, fence, n, part = WHOLE_EVENT] = CURSOR.exec(text) ?? [];
  if (sid === undefined || eventId === undefined) return undefined;
  return { sid, eventId, place: [Number(fence), Number(n), Number(part)] };
}

/** Whether a place comes after another of the same session. */
export function isLater({ place }: Cursor, { place: other }: Cursor): boolean {
  const at = place.findIndex((value, index) => value !== other[index]);
  return at >= 0 && (place[at] ?? 0) > (other[at] ?? 0);
}
