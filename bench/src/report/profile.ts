import { readFile } from 'node:fs/promises';
import { alignColumns } from './table.ts';

type ProfileNode = Readonly<{
  id: number;
  callFrame: Readonly<{ functionName: string; url: string; lineNumber: number }>;
}>;
type CpuProfile = Readonly<{
  nodes: readonly ProfileNode[];
  samples: readonly number[];
  timeDeltas: readonly number[];
}>;

const FUNCTIONS_SHOWN = 30;
const PLACES_SHOWN = 15;
const IDLE = new Set(['(idle)', '(root)', '(program)']);

/** Where a process spent its own time: by function, and by the package the code lives in. */
export async function summariseProfile(file: string): Promise<string> {
  const profile = JSON.parse(await readFile(file, 'utf8')) as CpuProfile;
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const byFunction = new Map<string, number>();
  const byPlace = new Map<string, number>();
  let busyUs = 0;
  for (const [at, id] of profile.samples.entries()) {
    const frame = nodes.get(id)?.callFrame;
    if (!frame || IDLE.has(frame.functionName)) continue;
    const spentUs = profile.timeDeltas[at] ?? 0;
    const place = placeOf(frame.url, frame.functionName);
    const name = `${frame.functionName || '(anonymous)'}\t${place}:${frame.lineNumber + 1}`;
    byFunction.set(name, (byFunction.get(name) ?? 0) + spentUs);
    byPlace.set(roomOf(place), (byPlace.get(roomOf(place)) ?? 0) + spentUs);
    busyUs += spentUs;
  }
  return [
    `busy for ${(busyUs / 1e6).toFixed(1)} s; self time by function`,
    topOf(byFunction, busyUs, FUNCTIONS_SHOWN),
    '',
    'self time by package',
    topOf(byPlace, busyUs, PLACES_SHOWN),
  ].join('\n');
}

function topOf(spentUs: ReadonlyMap<string, number>, busyUs: number, shown: number): string {
  const top = [...spentUs].toSorted((a, b) => b[1] - a[1]).slice(0, shown);
  return alignColumns(
    top.map(([name, us]) => [`${((us / busyUs) * 100).toFixed(1)} %`, ...name.split('\t')]),
  );
}

/** The part of a path a reader needs: below `node_modules`, or below the workspace. */
function placeOf(url: string, functionName: string): string {
  if (url === '') return functionName.startsWith('(') ? functionName : 'native';
  if (url.startsWith('node:')) return url;
  const installed = url.split('/node_modules/').at(-1);
  if (installed !== undefined && installed !== url) return installed;
  return /\/((?:packages|services)\/.*)$/.exec(url)?.[1] ?? url;
}

function roomOf(place: string): string {
  if (place.startsWith('node:') || place.startsWith('(')) return place.startsWith('node:') ? 'node' : place;
  const depth = /^(?:packages|services|@)/.test(place) ? 2 : 1;
  return place.split('/').slice(0, depth).join('/');
}
