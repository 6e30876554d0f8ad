import { z } from 'zod';

const Which = {
  /** How many matching calls it spoils before the next fault has its turn; 1 unless told. */
  times: z.int().min(1).optional(),
  /** Only calls for this model; others pass by without using it up. */
  model: z.string().min(1).optional(),
};
const AfterTokens = { afterTokens: z.int().min(0), ...Which };

/** One way to misbehave. The shape of `script()` and of the control endpoint. */
export const Fault = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('status'),
    status: z.int().min(400).max(599),
    retryAfterSeconds: z.number().min(0).optional(),
    message: z.string().optional(),
    ...Which,
  }),
  z.strictObject({ kind: z.literal('reset'), ...Which }),
  z.strictObject({ kind: z.literal('silent'), ...Which }),
  z.strictObject({ kind: z.literal('empty'), ...Which }),
  z.strictObject({ kind: z.literal('stop'), reason: z.string().min(1), ...Which }),
  z.strictObject({ kind: z.literal('split'), bytes: z.int().min(1), ...Which }),
  z.strictObject({ kind: z.literal('slow'), firstTokenMs: z.int().min(0), ...Which }),
  z.strictObject({ kind: z.literal('stall'), ...AfterTokens }),
  z.strictObject({ kind: z.literal('cut'), ...AfterTokens }),
  z.strictObject({ kind: z.literal('malformed'), ...AfterTokens }),
  z.strictObject({ kind: z.literal('truncate'), ...AfterTokens }),
  z.strictObject({ kind: z.literal('overloaded'), ...AfterTokens }),
  z.strictObject({ kind: z.literal('endless'), ...Which }),
  z.strictObject({ kind: z.literal('none'), ...Which }),
]);
export type Fault = z.infer<typeof Fault>;

export const FaultScript = z.union([Fault.transform((fault) => [fault]), z.array(Fault)]);

/** Faults waiting for their calls, in order. */
export class FaultScriptQueue {
  #pending: { fault: Fault; left: number }[] = [];

  /** Replaces what was still pending; an empty list makes the model behave again. */
  load(faults: readonly Fault[]): void {
    this.#pending = faults.map((fault) => ({ fault, left: fault.times ?? 1 }));
  }

  take(model: string): Fault | undefined {
    const index = this.#pending.findIndex(({ fault }) => (fault.model ?? model) === model);
    const entry = this.#pending[index];
    if (!entry) return undefined;
    entry.left -= 1;
    if (entry.left === 0) this.#pending.splice(index, 1);
    return entry.fault;
  }
}
