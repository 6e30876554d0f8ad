import { readFile } from 'node:fs/promises';
import { alignColumns } from './table.ts';

type Frame = Readonly<{ functionName: string; url: string; lineNumber: number }>;
type ProfileNode = Readonly<{ id: number; callFrame: Frame; children?: readonly number[] }>;
type CpuProfile = Readonly<{
  nodes: readonly ProfileNode[];
  samples: readonly number[];
  timeDeltas: readonly number[];
}>;
type Tally = Map<string, number>;

const FUNCTIONS_SHOWN = 30;
const PLACES_SHOWN = 20;
const IDLE = new Set(['(idle)', '(root)', '(program)']);

/**
 * Where a process spent its time: by function, by package, and by the nearest caller outside
 * Node itself, so that a socket write counts for whoever asked for it.
 */
export async function summariseProfile(file: string): Promise<string> {
  const profile = JSON.parse(await readFile(file, 'utf8')) as CpuProfile;
  const [byFunction, byRoom, byCaller]: [Tally, Tally, Tally] = [new Map(), new Map(), new Map()];
  const callers = nearestCallers(profile);
  let busyUs = 0;
  for (const [id, spentUs] of selfTimes(profile)) {
    const caller = callers.get(id);
    if (!caller || IDLE.has(caller.self.functionName)) continue;
    busyUs += spentUs;
    add(byFunction, describe(caller.self), spentUs);
    add(byRoom, roomOf(placeOf(caller.self)), spentUs);
    add(byCaller, describe(caller.nearest), spentUs);
  }
  return [
    `busy for ${(busyUs / 1e6).toFixed(1)} s; self time by function`,
    topOf(byFunction, busyUs, FUNCTIONS_SHOWN),
    '\nself time by package',
    topOf(byRoom, busyUs, PLACES_SHOWN),
    '\nwith what Node did for it',
    topOf(byCaller, busyUs, FUNCTIONS_SHOWN),
  ].join('\n');
}

function selfTimes(profile: CpuProfile): ReadonlyMap<number, number> {
  const spentUs = new Map<number, number>();
  for (const [at, id] of profile.samples.entries()) {
    spentUs.set(id, (spentUs.get(id) ?? 0) + (profile.timeDeltas[at] ?? 0));
  }
  return spentUs;
}

type Caller = Readonly<{ self: Frame; nearest: Frame }>;

/** @NOTE nodes come parents first, so one pass hands each its parent's answer. */
function nearestCallers(profile: CpuProfile): ReadonlyMap<number, Caller> {
  const parents = new Map<number, number>();
  const callers = new Map<number, Caller>();
  for (const { id, callFrame, children = [] } of profile.nodes) {
    for (const child of children) parents.set(child, id);
    const above = callers.get(parents.get(id) ?? 0)?.nearest ?? callFrame;
    const isNode = callFrame.url === '' || callFrame.url.startsWith('node:');
    callers.set(id, { self: callFrame, nearest: isNode ? above : callFrame });
  }
  return callers;
}

function add(tally: Tally, name: string, spentUs: number): void {
  tally.set(name, (tally.get(name) ?? 0) + spentUs);
}

function topOf(tally: Tally, busyUs: number, shown: number): string {
  const top = [...tally].toSorted((a, b) => b[1] - a[1]).slice(0, shown);
  return alignColumns(
    top.map(([name, us]) => [`${((us / busyUs) * 100).toFixed(1)} %`, ...name.split('\t')]),
  );
}

function describe(frame: Frame): string {
  return `${frame.functionName || '(anonymous)'}\t${placeOf(frame)}:${frame.lineNumber + 1}`;
}

/** The part of a path a reader needs: below `node_modules`, or below the workspace. */
function placeOf({ url, functionName }: Frame): string {
  if (url === '') return functionName.startsWith('(') ? functionName : 'native';
  if (url.startsWith('node:')) return url;
  const installed = url.split('/node_modules/').at(-1);
  if (installed !== undefined && installed !== url) return installed;
  return /\/((?:packages|services)\/.*)$/.exec(url)?.[1] ?? url;
}

function roomOf(place: string): string {
  if (place.startsWith('node:')) return 'node';
  const depth = /^(?:packages|services|@)/.test(place) ? 2 : 1;
  return place.split('/').slice(0, depth).join('/');
}
