import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { VERSION } from '@moltbot/shared/runtime';
import type { Outcome } from './run-fault.ts';

/** What kind of promise a fault breaks, by the words the checkers use. */
const KINDS = {
  lost: /is unknown|is waiting|is running|has 0 terminal|never saw an end|is gone|records for|shows 0 answers|lacks|open turns|still names|never seen/,
  doubled: /has [2-9] terminal|heard its end|shows [2-9] answers|event \d+ after/,
  order: /once and in order|instead of|is not followed by its own/,
} as const;

const KIND_NAMES = ['lost', 'doubled', 'order', 'other'] as const;
type Kind = (typeof KIND_NAMES)[number];

const kindOf = (fault: string): Kind =>
  KIND_NAMES.find((kind) => kind !== 'other' && KINDS[kind].test(fault)) ?? 'other';

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

const HEAD =
  '| fault | rounds | turns | lost | doubled | out of order | other | broken off, typed | longest silence (p99) | longest absence of a connection (p99) |';

/** One line a fault, its rounds together. */
function table(outcomes: readonly Outcome[]): string {
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

/** What is sold, in seconds; held against where enough was done to speak of it: in the long form. */
const TARGETS: readonly Readonly<{
  what: string;
  of: RegExp;
  ms: (o: Outcome) => readonly number[];
  mostMs: number;
}>[] = [
  {
    what: 'takeover: silence while a worker is lost, p99',
    of: /^worker (?:killed|frozen)/,
    ms: ({ silencesMs }) => silencesMs,
    mostMs: 15_000,
  },
  {
    what: 'resume: absence while a gateway is lost or restarted, p99',
    of: /^gateway/,
    ms: ({ absencesMs }) => absencesMs,
    mostMs: 3_000,
  },
  {
    what: 'failover: silence while the Redis primary is killed or frozen, p99',
    of: /^Redis primary (?:killed|frozen)/,
    ms: ({ silencesMs }) => silencesMs,
    mostMs: 15_000,
  },
];

type Met = Readonly<{ what: string; ms: number; mostMs: number; samples: number }>;

/** Those who noticed nothing must not make the others' wait look short. */
const NOTICED_MS = 500;

function targets(outcomes: readonly Outcome[]): Met[] {
  return TARGETS.flatMap(({ what, of, ms, mostMs }) => {
    const all = outcomes.filter(({ fault }) => of.test(fault)).flatMap(ms);
    const hit = all.filter((value) => value > NOTICED_MS);
    const values = hit.length > 0 ? hit : all;
    return values.length === 0
      ? []
      : [{ what, ms: percentile(values, 0.99), mostMs, samples: values.length }];
  });
}

/** In words, what was not kept. */
export function broken(outcomes: readonly Outcome[], withTargets: boolean): string[] {
  const rows = outcomes.filter(({ faults }) => faults.length > 0).map(({ fault }) => fault);
  const late = withTargets ? targets(outcomes).filter(({ ms, mostMs }) => ms > mostMs) : [];
  return [...new Set(rows), ...late.map(({ what, ms }) => `${what}: ${seconds(ms)}`)];
}

const targetTable = (outcomes: readonly Outcome[]): string =>
  [
    '| target | measured | at most | of those who noticed |',
    '|---|---|---|---|',
    ...targets(outcomes).map(
      ({ what, ms, mostMs, samples }) => `| ${what} | ${seconds(ms)} | ${seconds(mostMs)} | ${samples} |`,
    ),
  ].join('\n');

/** The page of docs/operate, whole. */
export function scorecard(
  outcomes: readonly Outcome[],
  { users, seed }: Readonly<{ users: number; seed: number }>,
): string {
  const of = (command: string, ...args: string[]): string =>
    spawnSync(command, args, { encoding: 'utf8', env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` } })
      .stdout;
  const redis = /v=([\d.]+)/.exec(of('redis-server', '--version'))?.[1];
  const haproxy = /version ([\d.]+)/.exec(of('haproxy', '-v'))?.[1];
  const versions = `Moltbot ${VERSION}, Node ${process.versions.node}, Redis ${redis}, HAProxy ${haproxy}`;
  const date = new Date().toISOString().slice(0, 10);
  return `${PAGE.replace('{date}', date)
    .replace('{versions}', versions)
    .replace('{users}', String(users))
    .replace('{seed}', String(seed))
    .replace(
      '{machine}',
      `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'})`,
    )}\n${table(outcomes)}\n\n${targetTable(outcomes)}\n`;
}

const PAGE = `# Scorecard

What people lose when a part of the product dies. Made by \`npm run chaos -- --write\`, which anyone can run: it starts three Redis servers with three Sentinels, three gateways, three workers, two session-stores and HAProxy as processes of their own, lets {users} people write (three in five over WebSocket, one with streamed chat completions, one with the openai SDK), does each fault to it under way, and then holds what every client was shown against Redis and the archive files.

{date}, {versions}, {machine}, seed {seed}.

- **lost**: an accepted message without its one end, or a record that is missing in Redis or the archive. **doubled**: an end told twice on one connection, or an answer shown twice. **out of order**: messages of one session answered or shown in another order than they were sent. **other**: a text that the model did not say, somebody else's run, an archived line that was never committed.
- **broken off, typed**: answers that ended as an error or an interruption and said so. Only the rows of a failing model may have them.
- **silence**: the longest time in which a person who waited for an answer saw nothing of it. **absence**: from a lost connection to the next one that works.
- Not among the faults: a primary that is changed by hand with \`SENTINEL FAILOVER\`, and a cut that leaves the primary and one replica together. [Redis](redis.md) says why, and what to do.
`;
