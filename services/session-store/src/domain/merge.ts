/** Where a record stands: its seq, the fence it was written under, and a number that later writes have higher. */
export type Place = Readonly<{ seq: number; fence: number; order: number }>;

/**
 * One history out of everything that was ever written: of each seq the highest fence, of equal
 * fences the later write. Along a history fences never fall; a record with a lower one than a
 * record before it belonged to an end that a Redis failover took back.
 */
export function mergeHistory<T extends Place>(written: Iterable<T>): T[] {
  const best = new Map<number, T>();
  for (const line of written) {
    const known = best.get(line.seq);
    if (!known || isNewer(line, known)) best.set(line.seq, line);
  }
  let highest = 0;
  return [...best.values()]
    .toSorted((a, b) => a.seq - b.seq)
    .filter(({ fence }) => {
      const stays = fence >= highest;
      highest = Math.max(highest, fence);
      return stays;
    });
}

function isNewer(a: Place, b: Place): boolean {
  return a.fence === b.fence ? a.order > b.order : a.fence > b.fence;
}

export type Gap = Readonly<{ fromSeq: number; toSeq: number }>;

/** The seqs of `fromSeq..toSeq` that are not there. `lines` are in order. */
export function gapsIn(lines: readonly Pick<Place, 'seq'>[], fromSeq: number, toSeq: number): Gap[] {
  const gaps: Gap[] = [];
  let next = fromSeq;
  for (const { seq } of [...lines, { seq: toSeq + 1 }]) {
    if (seq < fromSeq || seq > toSeq + 1) continue;
    if (seq > next) gaps.push({ fromSeq: next, toSeq: seq - 1 });
    next = seq + 1;
  }
  return gaps;
}

/** The records that lead up to `lastSeq` without a hole; none when that one is missing. */
export function unbrokenEnd<T extends Pick<Place, 'seq'>>(lines: readonly T[], lastSeq: number): T[] {
  let first = lines.length;
  let wanted = lastSeq;
  while (first > 0 && lines[first - 1]?.seq === wanted) {
    first -= 1;
    wanted -= 1;
  }
  return lines.slice(first);
}
