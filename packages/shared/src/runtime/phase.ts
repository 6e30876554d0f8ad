/** A replica's life is a named state, and the probes are a function of it. */
export const PHASES = ['starting', 'ready', 'draining', 'stopped'] as const;
export type Phase = (typeof PHASES)[number];

const NEXT: Record<Phase, readonly Phase[]> = {
  starting: ['ready', 'draining', 'stopped'],
  ready: ['draining'],
  draining: ['stopped'],
  stopped: [],
};

export function advance(from: Phase, to: Phase): Phase {
  if (!NEXT[from].includes(to)) throw new Error(`a ${from} replica cannot become ${to}`);
  return to;
}

export type Check = Readonly<{ name: string; ok(): boolean }>;

/** Readiness fails first, so the Service drops us while liveness still says "do not kill". */
export type Lifecycle = Readonly<{
  phase(): Phase;
  advance(to: Phase): void;
  /** Names of the checks that fail now; a replica is ready when its phase is and none fails. */
  failing(): string[];
  ready(): boolean;
  live(): boolean;
  uptimeMs(): number;
}>;

export function createLifecycle(checks: readonly Check[], now: () => number = Date.now): Lifecycle {
  let phase: Phase = 'starting';
  const startedAtMs = now();
  const failing = (): string[] => checks.filter((check) => !check.ok()).map((check) => check.name);
  return {
    phase: () => phase,
    advance: (to) => {
      phase = advance(phase, to);
    },
    failing: () => (phase === 'ready' ? failing() : [`phase:${phase}`, ...failing()]),
    ready: () => phase === 'ready' && failing().length === 0,
    live: () => phase !== 'stopped',
    uptimeMs: () => now() - startedAtMs,
  };
}
