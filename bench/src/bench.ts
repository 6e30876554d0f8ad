import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { runLoad } from './load/run-load.ts';
import type { BenchOptions } from './options.ts';
import { cpuSeconds, machineCpuSeconds, peakMemory } from './processes/proc.ts';
import { figuresOf, type CpuSeconds, type Report, type Slice } from './report/figures.ts';
import { startMoltbot } from './systems/moltbot.ts';
import { startNeighbour } from './systems/neighbours.ts';
import type { System } from './systems/system.ts';
import { startUpstream } from './systems/upstream.ts';

/** Until the JIT compilers have settled: before that an answer costs up to half as much again. */
const WARM_UP_SECONDS = 5;
const SLICE_SECONDS = 2;

export type BenchPorts = Readonly<{
  say(line: string): void;
  profileDirectory: string;
  stop: AbortSignal;
}>;

export async function runBench(options: BenchOptions, ports: BenchPorts): Promise<Report> {
  await using cleanup = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'moltbot-bench-'));
  cleanup.defer(() => rm(directory, { recursive: true, force: true }));
  const loadAverageAtStart = loadavg()[0] ?? 0;
  const prompt = `#tokens ${options.tokens}`;

  const upstream = cleanup.use(await startUpstream(directory, prompt));
  const around = { directory, upstreamUrl: upstream.url, prompt };
  const systems: System[] = [upstream];
  if (!options.directOnly) {
    const profileDirectory = options.profile ? ports.profileDirectory : undefined;
    systems.push(cleanup.use(await startMoltbot(around, { profileDirectory })));
  }
  for (const name of options.neighbours) {
    const neighbour = await startNeighbour(name, around).catch((error: unknown) => {
      ports.say(`${name} is left out: ${error instanceof Error ? error.message : String(error)}`);
    });
    if (neighbour) systems.push(cleanup.use(neighbour));
  }

  const figures = await measure(systems, upstream, options, ports);
  return {
    machine: {
      cores: availableParallelism(),
      cpu: cpus()[0]?.model ?? 'unknown',
      node: process.version,
      loadAverageAtStart,
    },
    tokens: options.tokens,
    secondsEach: options.seconds,
    figures,
    memory: systems.map(({ name, pid }) => ({ system: name, processes: peakMemory(pid) })),
  };
}

async function measure(
  systems: readonly System[],
  upstream: System,
  options: BenchOptions,
  ports: BenchPorts,
): Promise<Report['figures']> {
  const expected = Array.from({ length: options.tokens }, (_, at) => `t${at + 1}`).join(' ');
  for (const { name, target } of systems) {
    ports.say(`warming up ${name}`);
    const { totalsMs, faults } = await runLoad(
      target,
      expected,
      Math.max(...options.concurrency),
      WARM_UP_SECONDS,
    );
    if (totalsMs.length === 0)
      throw new Error(`${name} gave no right answer: ${faults[0] ?? 'nor a wrong one'}`);
  }
  const figures: Report['figures'][number][] = [];
  for (const concurrency of options.concurrency) {
    ports.say(`${concurrency} at once`);
    const slices = new Map<System, Slice[]>(systems.map((system) => [system, []]));
    for (const seconds of slicesOf(options.seconds)) {
      for (const [system, taken] of slices) {
        ports.stop.throwIfAborted();
        taken.push(await measureSlice(system, upstream, expected, concurrency, seconds));
      }
    }
    for (const [system, taken] of slices) figures.push(figuresOf(system.name, concurrency, taken));
  }
  return figures;
}

/** Short slices in turns, so that whatever else the machine does falls on every system alike. */
function slicesOf(seconds: number): readonly number[] {
  const count = Math.max(1, Math.round(seconds / SLICE_SECONDS));
  return Array.from({ length: count }, () => seconds / count);
}

async function measureSlice(
  system: System,
  upstream: System,
  expected: string,
  concurrency: number,
  seconds: number,
): Promise<Slice> {
  const before = spent(system, upstream);
  const load = await runLoad(system.target, expected, concurrency, seconds);
  const after = spent(system, upstream);
  return {
    load,
    cpu: {
      system: after.system - before.system,
      upstream: after.upstream - before.upstream,
      driver: after.driver - before.driver,
      machine: after.machine - before.machine,
    },
  };
}

function spent(system: System, upstream: System): CpuSeconds {
  const { user, system: kernel } = process.cpuUsage();
  return {
    system: cpuSeconds(system.pid),
    upstream: cpuSeconds(upstream.pid),
    driver: (user + kernel) / 1e6,
    machine: machineCpuSeconds(),
  };
}
