import { LANES, type Lane } from '@moltbot/shared/contracts';
import type { Redis } from '@moltbot/shared/redis';
import { findOverdue, type Overdue, type SessionRef } from '@moltbot/turns';

const SWEEP_INTERVAL_MS = 2_000;
/** Whoever could have run for so long goes before everybody, however much its user has to do. */
const PATIENCE_MS = 30_000;

export type SweepDeps = Readonly<{
  redis: Redis;
  wake(ref: SessionRef, lane: Lane): Promise<void>;
  find(sid: string, lane: Lane): Promise<Readonly<{ state: string; sinceMs: number; inFront: boolean }>>;
  toFront(sid: string, lane: Lane): Promise<void>;
  /** Lets a wake-up that was put off be taken now. */
  hurry(sid: string, lane: Lane): Promise<void>;
  unblock(sid: string, lane: Lane): Promise<void>;
  onRewake(): void;
  onError(error: unknown): void;
}>;

/** Wakes sessions that nobody looks after; runs in every worker, and finding a session twice is harmless. */
export function startSweeper(deps: SweepDeps): Disposable {
  let busy = false;
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    void sweep(deps)
      .catch(deps.onError)
      .finally(() => {
        busy = false;
      });
  }, SWEEP_INTERVAL_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** One that cannot be looked after now must not keep the others waiting: their next look is already put off. */
async function sweep(deps: SweepDeps): Promise<void> {
  for (const overdue of await findOverdue(deps.redis)) await lookAfter(overdue, deps).catch(deps.onError);
}

async function lookAfter({ sid, uid, key, lane, wokenBefore }: Overdue, deps: SweepDeps): Promise<void> {
  const known = LANES.find((name) => name === lane) ?? 'main';
  const { state, sinceMs, inFront } = await deps.find(sid, known);
  // a long queue: its turn will come, and a second job would only make the queue longer
  if (state === 'queued' && !inFront && Date.now() - sinceMs > PATIENCE_MS) await deps.toFront(sid, known);
  // put off by a clock that was wrong: whoever puts off by ours says so in the ledger, and is not overdue
  if (state === 'delayed' && wokenBefore) await deps.hurry(sid, known);
  if (state === 'queued' || state === 'delayed') return;
  if (state === 'gone' || wokenBefore) await deps.unblock(sid, known);
  await deps.wake({ sid, uid, key }, known);
  deps.onRewake();
}
