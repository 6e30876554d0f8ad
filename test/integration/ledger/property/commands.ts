/** Every move of doors, workers and keepers as a command that fast-check orders and shrinks. */
import fc from 'fast-check';
import { OUTCOMES } from '@moltbot/shared/contracts';
import type { Redis } from 'ioredis';
import { agree } from './agree.ts';
import { abort, inject, open, remove, reset, send } from './doors.ts';
import { archive, evict, forget, goCold, rehydrate, stayAway, trim } from './keepers.ts';
import { SLOTS, WORKERS, type Model } from './model.ts';
import { begin, commit, emit, leaseEnds, neglect, renew, sweep } from './workers.ts';

type Move<A extends unknown[]> = (model: Model, redis: Redis, ...args: A) => Promise<void>;
export type Command = fc.AsyncCommand<Model, Redis>;

function command<A extends unknown[]>(
  move: Move<A>,
  ...args: { [I in keyof A]: fc.Arbitrary<A[I]> }
): fc.Arbitrary<Command> {
  return (fc.tuple(...(args as fc.Arbitrary<unknown>[])) as unknown as fc.Arbitrary<A>).map((values) => ({
    check: () => true,
    run: async (model, redis) => {
      await move(model, redis, ...values);
      await agree(redis, model);
    },
    toString: () => `${move.name}(${JSON.stringify(values).slice(1, -1)})`,
  }));
}

const slot = fc.nat(SLOTS.length - 1);
const which = fc.nat(5);
const mostlyNot = fc.nat(3).map((n) => n === 0);
const reason = fc.constantFrom('rpc' as const, 'stop' as const);
const worker = fc.constantFrom(...WORKERS);
const runId = fc.constantFrom('r1', 'r2', 'r:3', 'r"4"/\\ü', '五', 'r6', 'r7', 'r8');
const outcome = fc.constantFrom(...OUTCOMES);
const times = <T>(count: number, arbitrary: T): T[] => Array.from({ length: count }, () => arbitrary);

/** The usual moves weigh more, so that most runs get somewhere. */
export const COMMANDS: fc.Arbitrary<Command>[] = [
  ...times(3, command(open, slot)),
  ...times(6, command(send, slot, which, runId)),
  command(reset, slot, which),
  command(remove, slot, which),
  ...times(2, command(abort, which, fc.option(runId, { nil: undefined }), reason)),
  command(inject, which),
  ...times(6, command(begin, worker, which)),
  ...times(2, command(emit, worker)),
  command(renew, worker),
  ...times(4, command(commit, worker, outcome, fc.boolean())),
  ...times(2, command(leaseEnds, which)),
  command(neglect, which),
  command(sweep),
  ...times(2, command(archive, which, fc.nat(4))),
  command(evict, which),
  ...times(5, command(goCold, which)),
  ...times(3, command(rehydrate, which, fc.nat(5), mostlyNot)),
  ...times(2, command(stayAway, which)),
  command(trim, which, fc.nat(3)),
  command(forget, which),
];
