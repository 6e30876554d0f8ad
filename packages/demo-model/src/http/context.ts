import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answer } from '../domain/answer.ts';
import type { Fault, FaultScriptQueue } from '../domain/faults.ts';
import type { PromptCache } from '../domain/prompt-cache.ts';
import { Refusal } from '../domain/refusal.ts';
import type { RepeatCounter } from '../domain/repeats.ts';
import type { Recorder } from '../recorder.ts';

/** Everything one demo model holds between calls. */
export type Model = Readonly<{
  apiKey: string | undefined;
  tokenDelayMs: number;
  controlled: boolean;
  faults: FaultScriptQueue;
  repeats: RepeatCounter;
  cache: PromptCache;
  recorder: Recorder;
  nextId(): number;
}>;

export type Call = Readonly<{ req: IncomingMessage; res: ServerResponse; body: unknown; model: Model }>;

/** A scripted fault wins over one the message asks for; an HTTP status ends the call here. */
export function faultFor(model: Model, modelName: string, answer: Answer, text: string): Fault | undefined {
  const fault = model.faults.take(modelName) ?? directed(model, answer, text);
  if (fault?.kind !== 'status') return fault;
  const message = fault.message ?? `Demo model: scripted fault ${fault.status}`;
  throw new Refusal(fault.status, message, fault.retryAfterSeconds);
}

/** `#fault cut 5 x2` spoils the first two calls that carry this very text. */
function directed(model: Model, answer: Answer, text: string): Fault | undefined {
  const { fault } = answer.directives;
  if (fault?.times === undefined) return fault;
  return model.repeats.count(text) <= fault.times ? fault : undefined;
}
