/**
 * The content of a turn and what is written about it: the session's records (the
 * transcript) and the run's events (what a watching client sees).
 */
import { z } from 'zod';
import { LANES } from './jobs.ts';

export const ClientTool = z.strictObject({
  name: z.string(),
  description: z.string().optional(),
  inputSchema: z.record(z.string(), z.unknown()),
});
export type ClientTool = z.infer<typeof ClientTool>;

export const ContentBlock = z.looseObject({ type: z.string() });
export type ContentBlock = z.infer<typeof ContentBlock>;

/** A message as transcripts hold it; user text, model text, thinking, images, tool calls and results are blocks. */
export const ContextMessage = z.object({
  role: z.enum(['user', 'assistant']),
  content: z.array(ContentBlock),
});
export type ContextMessage = z.infer<typeof ContextMessage>;

/**
 * How a turn shall be answered; immutable once accepted. What was said is in the user's
 * record. `key` is canonical; `shownKey` is the spelling the client used.
 */
export const TurnContent = z.object({
  turnId: z.string(),
  runId: z.string(),
  sid: z.string(),
  uid: z.string(),
  key: z.string(),
  shownKey: z.string(),
  agentId: z.string(),
  lane: z.enum(LANES),
  kind: z.enum(['chat', 'command']),
  system: z.string().optional(),
  tools: z.array(ClientTool).optional(),
  toolChoice: z.unknown().optional(),
  thinking: z.string().optional(),
  /** `provider/model`; the configured model when absent. */
  model: z.string().optional(),
  maxTokens: z.number().int().positive().optional(),
  timeoutMs: z.number().int().positive().optional(),
  acceptedAtMs: z.number().int(),
});
export type TurnContent = z.infer<typeof TurnContent>;

/** Token counts of one model call; cost in millionths of a US dollar, null when the model has no price. */
export const Usage = z.object({
  input: z.number().int(),
  output: z.number().int(),
  cacheRead: z.number().int(),
  cacheWrite: z.number().int(),
  costMicroUsd: z.number().nullable(),
});
export type Usage = z.infer<typeof Usage>;

export const STOP_REASONS = ['stop', 'length', 'toolUse', 'aborted', 'error', 'injected'] as const;

/** One line of the transcript. The session's log numbers them from 1 without a hole. */
export const SessionRecord = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('user'),
    turnId: z.string(),
    runId: z.string(),
    content: z.array(ContentBlock),
    /** Earlier conversation that a stateless HTTP client brought along with this message. */
    context: z.array(ContextMessage).optional(),
    timestamp: z.number().int(),
  }),
  z.object({
    type: z.literal('assistant'),
    turnId: z.string(),
    runId: z.string(),
    content: z.array(ContentBlock),
    provider: z.string(),
    model: z.string(),
    api: z.string(),
    usage: Usage,
    stopReason: z.enum(STOP_REASONS),
    errorMessage: z.string().optional(),
    timestamp: z.number().int(),
  }),
  /** The model's own summary of every record up to and including `upToSeq`; those stay in the log. */
  z.object({
    type: z.literal('compaction'),
    turnId: z.string(),
    summary: z.string(),
    upToSeq: z.number().int(),
    timestamp: z.number().int(),
  }),
]);
export type SessionRecord = z.infer<typeof SessionRecord>;
export type NumberedRecord = { seq: number; fence: number; record: SessionRecord };

export const OUTCOMES = ['final', 'aborted', 'error'] as const;

/** What a run says about itself, in the session's event stream and on the user's channel. */
export const RunEvent = z.discriminatedUnion('t', [
  z.object({ t: z.literal('accepted'), tid: z.string(), run: z.string(), shown: z.string() }),
  z.object({
    t: z.literal('start'),
    tid: z.string(),
    run: z.string(),
    shown: z.string(),
    /** Only on a command, which no model answers. */
    kind: z.literal('command').optional(),
    attempt: z.number().int(),
    at: z.number(),
  }),
  z.object({ t: z.literal('delta'), tid: z.string(), run: z.string(), text: z.string() }),
  z.object({ t: z.literal('thinking'), tid: z.string(), run: z.string(), text: z.string() }),
  z.object({ t: z.literal('compaction'), tid: z.string(), run: z.string(), phase: z.enum(['start', 'end']) }),
  z.object({
    t: z.literal('end'),
    tid: z.string(),
    run: z.string(),
    shown: z.string(),
    outcome: z.enum(OUTCOMES),
    kind: z.enum(['chat', 'command']),
    /** The assistant's record as it went into the log; absent when nothing was said. */
    message: z.unknown().optional(),
    stopReason: z.string().optional(),
    error: z.object({ code: z.string(), message: z.string() }).optional(),
    startedAt: z.number(),
    endedAt: z.number(),
  }),
  z.object({ t: z.literal('injected'), run: z.string(), shown: z.string(), message: z.unknown() }),
]);
export type RunEvent = z.infer<typeof RunEvent>;
export type EndEvent = Extract<RunEvent, { t: 'end' }>;
/** Written by the ledger around a RunEvent: `prev` names the event before it in this session. */
export type LoggedEvent = { id: string; prev: string; sid: string; key: string; n: number; e: RunEvent };
