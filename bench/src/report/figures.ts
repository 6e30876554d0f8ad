import type { LoadResult } from '../load/run-load.ts';
import type { ProcessMemory } from '../processes/proc.ts';

/** One system at one level of concurrency. */
export type Figures = Readonly<{
  system: string;
  concurrency: number;
  answers: number;
  faulty: number;
  faults: readonly string[];
  firstTokenMs: Readonly<{ p50: number; p95: number }>;
  totalMs: Readonly<{ p50: number; p95: number }>;
  answersPerSecond: number;
  /** CPU milliseconds an answer cost, by the process tree that spent them. */
  cpuMsPerAnswer: Readonly<{ system: number; upstream: number; driver: number }>;
  /** Cores that processes outside the benchmark kept busy meanwhile. */
  othersCores: number;
}>;

export type Report = Readonly<{
  machine: Readonly<{ cores: number; cpu: string; node: string; loadAverageAtStart: number }>;
  tokens: number;
  secondsEach: number;
  figures: readonly Figures[];
  memory: readonly Readonly<{ system: string; processes: readonly ProcessMemory[] }>[];
}>;

export type CpuSeconds = Readonly<{ system: number; upstream: number; driver: number; machine: number }>;
export type Slice = Readonly<{ load: LoadResult; cpu: CpuSeconds }>;

/** All slices of one system at one concurrency, as if they had been one run. */
export function figuresOf(system: string, concurrency: number, slices: readonly Slice[]): Figures {
  const firstTokens = slices.flatMap(({ load }) => load.firstTokensMs).toSorted((a, b) => a - b);
  const totals = slices.flatMap(({ load }) => load.totalsMs).toSorted((a, b) => a - b);
  const answers = firstTokens.length;
  const wallSeconds = sum(slices.map(({ load }) => load.wallSeconds));
  const perAnswer = (part: keyof CpuSeconds): number =>
    (sum(slices.map(({ cpu }) => cpu[part])) * 1_000) / Math.max(1, answers);
  return {
    system,
    concurrency,
    answers,
    faulty: sum(slices.map(({ load }) => load.faulty)),
    faults: slices.flatMap(({ load }) => load.faults),
    firstTokenMs: { p50: percentile(firstTokens, 0.5), p95: percentile(firstTokens, 0.95) },
    totalMs: { p50: percentile(totals, 0.5), p95: percentile(totals, 0.95) },
    answersPerSecond: answers / Math.max(0.001, wallSeconds),
    cpuMsPerAnswer: {
      system: perAnswer('system'),
      upstream: perAnswer('upstream'),
      driver: perAnswer('driver'),
    },
    othersCores: sum(slices.map(({ cpu }) => othersSeconds(system, cpu))) / Math.max(0.001, wallSeconds),
  };
}

/** @NOTE measured directly, the upstream is the system and counts once. */
function othersSeconds(system: string, cpu: CpuSeconds): number {
  const upstream = system === 'direct' ? 0 : cpu.upstream;
  return Math.max(0, cpu.machine - cpu.system - upstream - cpu.driver);
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
