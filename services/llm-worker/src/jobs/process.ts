import { randomUUID } from 'node:crypto';
import { DelayedError, type Job } from 'bullmq';
import { TurnJob, type Lane } from '@moltbot/shared/contracts';
import {
  beginTurn,
  commitTurn,
  releaseTurn,
  renewLease,
  type Begun,
  type Run,
  type SessionRef,
} from '@moltbot/turns';
import type { WorkerEvents } from '../events.ts';
import { turnEnding } from './ending.ts';
import { keepLease, type Lease } from './lease.ts';
import { runCommand } from './run-command.ts';
import { runTurn } from './run-turn.ts';
import type { TurnDeps, TurnResult } from './turn.ts';

export type ProcessDeps = Omit<TurnDeps, 'settings' | 'onFirstToken'> &
  Readonly<{
    /** This process; each taking adds a name of its own, so that two of them never share a lease. */
    owner: string;
    userCap: number;
    settings: () => TurnDeps['settings'];
    events: WorkerEvents;
    /** Turns that run here now, so that an abort finds them. */
    running: Map<string, Lease>;
    wakeAgain: (ref: SessionRef, lane: Lane, place?: 'front') => Promise<void>;
  }>;

/** Two hundred capped sessions that look as often delay nobody else (measured, ADR 21); fewer looks slow their own user. */
const CAPPED_RETRY_MS = 500;
const COLD_RETRY_MS = 100;

/** One job is one look at one session: at most one turn, then the next session has its chance. */
export async function processJob(
  job: Job,
  token: string | undefined,
  lockLost: AbortSignal | undefined,
  deps: ProcessDeps,
): Promise<void> {
  const { sid, uid, key } = TurnJob.parse(job.data);
  const ref: SessionRef = { sid, uid, key };
  const begun = await beginTurn(deps.redis, ref, `${deps.owner}/${randomUUID()}`, deps.userCap);
  if (begun.kind !== 'run') return await postpone(job, token, begun);
  const left = await runAndCommit(begun.run, lockLost, deps);
  // one that was handed over has waited for its slot before
  if (left === 'released') await deps.wakeAgain(ref, begun.run.content.lane, 'front');
  else if (left > 0) await deps.wakeAgain(ref, begun.run.content.lane);
}

async function postpone(
  job: Job,
  token: string | undefined,
  begun: Exclude<Begun, { kind: 'run' }>,
): Promise<void> {
  if (begun.kind === 'empty' || begun.kind === 'gone') return;
  const now = Date.now();
  const until = {
    busy: begun.kind === 'busy' ? begun.untilMs + 50 : 0,
    capped: now + CAPPED_RETRY_MS * (1 + Math.random()),
    cold: now + COLD_RETRY_MS,
  };
  await job.moveToDelayed(Math.ceil(until[begun.kind]), token);
  throw new DelayedError();
}

/** Returns how many turns wait in this session, 0 when it is not ours any more; `released` when it is the next worker's. */
async function runAndCommit(
  run: Run,
  lockLost: AbortSignal | undefined,
  deps: ProcessDeps,
): Promise<number | 'released'> {
  const startedAtMs = Date.now();
  const settings = settingsFor(run, deps);
  using lease = keepLease(async () => await renewLease(deps.redis, run), settings.timeoutMs);
  deps.running.set(run.content.turnId, lease);
  // @NOTE the queue's lock guards a wake-up, the lease the session: only the lease's loss ends the turn
  lockLost?.addEventListener('abort', () => void lease.check(), { once: true });
  try {
    deps.events.turnStarted(run);
    const onFirstToken = (provider: string): void => deps.events.firstToken(run, provider);
    const result = await answer(run, { ...deps, settings, onFirstToken }, lease);
    const { outcome } = result;
    if (outcome === 'lost') return deps.events.turnLost(run);
    if (outcome === 'released') {
      if (!(await releaseTurn(deps.redis, run))) return deps.events.turnLost(run);
      return deps.events.turnReleased(run);
    }
    const ending = turnEnding(run, { ...result, outcome }, startedAtMs);
    const committed = await commitTurn(deps.redis, run, ending);
    if (committed.kind === 'stale') return deps.events.turnLost(run);
    deps.events.turnEnded(run, { ...result, outcome }, Date.now() - startedAtMs);
    return committed.left;
  } finally {
    deps.running.delete(run.content.turnId);
  }
}

/** The configuration as it is now; a message may bring a limit of its own. */
function settingsFor({ content }: Run, deps: ProcessDeps): TurnDeps['settings'] {
  const settings = deps.settings();
  return { ...settings, timeoutMs: content.timeoutMs ?? settings.timeoutMs };
}

async function answer(run: Run, deps: TurnDeps, lease: Lease): Promise<TurnResult> {
  if (run.content.kind === 'chat' || run.abortReason !== '') return await runTurn(run, deps, lease);
  return runCommand(run, deps.settings);
}
