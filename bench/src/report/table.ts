import type { Figures, Report } from './figures.ts';

const MIB = 1024 * 1024;
const HEAD = [
  'streams',
  'system',
  'first token p50',
  'p95',
  'answers/s',
  'CPU/answer',
  'upstream',
  'driver',
  'others',
  'wrong',
  'against direct',
];

export function renderReport(report: Report): string {
  const { machine } = report;
  return [
    `${report.tokens} tokens an answer, ${report.secondsEach} s each, the systems in turns; every text checked`,
    `${machine.cores} cores (${machine.cpu}), Node ${machine.node}, load average at the start ${machine.loadAverageAtStart.toFixed(2)}`,
    '',
    alignColumns([HEAD, ...report.figures.map((figures) => rowOf(figures, report.figures))]),
    '',
    'first token and CPU in ms; CPU of the system’s own process tree, then of the upstream and the driver',
    'others: cores that other programs kept busy meanwhile',
    '',
    'peak memory',
    ...report.memory.map(({ system, processes }) => `  ${system}: ${processes.map(memoryOf).join(', ')}`),
    ...report.figures.flatMap((figures) =>
      figures.faults.slice(0, 2).map((fault) => `! ${figures.system}: ${fault}`),
    ),
  ].join('\n');
}

function rowOf(figures: Figures, all: readonly Figures[]): string[] {
  const direct = all.find(
    ({ system, concurrency }) => system === 'direct' && concurrency === figures.concurrency,
  );
  return [
    String(figures.concurrency),
    figures.system,
    figures.firstTokenMs.p50.toFixed(2),
    figures.firstTokenMs.p95.toFixed(2),
    figures.answersPerSecond.toFixed(0),
    figures.cpuMsPerAnswer.system.toFixed(2),
    figures.system === 'direct' ? '' : figures.cpuMsPerAnswer.upstream.toFixed(2),
    figures.cpuMsPerAnswer.driver.toFixed(2),
    figures.othersCores.toFixed(1),
    String(figures.faulty),
    direct && direct !== figures ? against(direct, figures) : '',
  ];
}

function against(direct: Figures, figures: Figures): string {
  const addedMs = figures.firstTokenMs.p50 - direct.firstTokenMs.p50;
  const share = figures.answersPerSecond / direct.answersPerSecond;
  return `${addedMs >= 0 ? '+' : ''}${addedMs.toFixed(2)} ms, x${share.toFixed(2)} answers/s`;
}

function memoryOf({ name, pid, peakRssBytes }: Report['memory'][number]['processes'][number]): string {
  return `${name} ${pid} ${(peakRssBytes / MIB).toFixed(0)} MiB`;
}

export function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)));
  const lines = rows.map((row) =>
    row
      .map((cell, at) =>
        at === 1 || at === row.length - 1 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0),
      )
      .join('  '),
  );
  return lines.map((line) => line.trimEnd()).join('\n');
}
