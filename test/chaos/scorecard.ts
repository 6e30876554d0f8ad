import type { Outcome } from './run-fault.ts';

/** What kind of promise a fault breaks, by the words the checkers use. */
const KINDS = {
  lost: /is unknown|is waiting|is running|has 0 terminal|never saw an end|is gone|records for|shows 0 answers|lacks|open turns|still names|never seen/,
  doubled: /has [2-9] terminal|heard its end|shows [2-9] answers|event \d+ after/,
  order: /once and in order|instead of|is not followed by its own/,
} as const;

const KIND_NAMES = ['lost', 'doubled', 'order', 'other'] as const;
type Kind = (typeof KIND_NAMES)[number];

export const kindOf = (fault: string): Kind =>
  KIND_NAMES.find((kind) => kind !== 'other' && KINDS[kind].test(fault)) ?? 'other';

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

const HEAD =
  '| fault | rounds | turns | lost | doubled | out of order | other | broken off, typed | longest silence (p99) | longest absence of a connection (p99) |';

/** One line a fault, its rounds together. */
export function table(outcomes: readonly Outcome[]): string {
  const names = [...new Set(outcomes.map(({ fault }) => fault))];
  const lines = names.map((name) =>
    row(
      name,
      outcomes.filter(({ fault }) => fault === name),
    ),
  );
  return [HEAD, HEAD.replaceAll(/[^|]+/g, '---'), ...lines].join('\n');
}

function row(name: string, rounds: readonly Outcome[]): string {
  const faults = rounds.flatMap((round) => round.faults);
  const sum = (of: (round: Outcome) => number): number => rounds.reduce((all, round) => all + of(round), 0);
  const count = (kind: Kind): number => faults.filter((fault) => kindOf(fault) === kind).length;
  const times = (of: (round: Outcome) => readonly number[]): string => {
    const all = rounds.flatMap(of);
    return all.length === 0 ? '–' : `${seconds(Math.max(...all))} (${seconds(percentile(all, 0.99))})`;
  };
  const cells = [
    ...[name, rounds.length, sum(({ turns }) => turns)],
    ...KIND_NAMES.map(count),
    ...[
      sum(({ interrupted }) => interrupted),
      times(({ silencesMs }) => silencesMs),
      times(({ absencesMs }) => absencesMs),
    ],
  ];
  return `| ${cells.join(' | ')} |`;
}
