import fc from 'fast-check';
import { describe, test } from 'vitest';
import { gapsIn, mergeHistory, unbrokenEnd, type Place } from './merge.ts';

type Line = Place & { text: string };

/** A history as Redis holds it: seqs without a hole, fences that never fall. */
const history = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.string()), { maxLength: 30 })
  .map((steps) => {
    let fence = 1;
    return steps.map(([step, text], index) => ({ seq: index + 1, fence: (fence += step), text }));
  });

const shuffled = <T>(lines: readonly T[], keys: readonly number[]): T[] =>
  lines
    .map((line, index) => ({ line, key: keys[index % keys.length] ?? 0 }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ line }) => line);

const inOrder = (lines: readonly Omit<Line, 'order'>[]): Line[] =>
  lines.map((line, order) => ({ ...line, order }));

const plain = (lines: readonly Line[]): Omit<Line, 'order'>[] =>
  lines.map(({ seq, fence, text }) => ({ seq, fence, text }));

describe('T-9: merging segments', () => {
  test('T-9: whatever was written twice, in whatever order, the history is the same', ({ expect }) => {
    const keys = fc.array(fc.nat(), { minLength: 1 });
    fc.assert(
      fc.property(history, fc.array(fc.nat({ max: 29 })), keys, (lines, again, order) => {
        const repeated = [...lines, ...again.flatMap((index) => lines[index] ?? [])];
        expect(plain(mergeHistory(inOrder(shuffled(repeated, order))))).toEqual(lines);
      }),
    );
  });

  test('T-9: an end that a failover took back gives way to what was said instead', ({ expect }) => {
    fc.assert(
      fc.property(history, history, fc.nat({ max: 30 }), (lines, other, keptCount) => {
        const kept = lines.slice(0, keptCount);
        const lostFence = lines.at(-1)?.fence ?? 0;
        const instead = other.map(({ seq, fence, text }) => ({
          seq: kept.length + seq,
          fence: lostFence + fence,
          text,
        }));
        const merged = plain(mergeHistory(inOrder([...lines, ...instead])));
        expect(merged).toEqual(instead.length === 0 ? lines : [...kept, ...instead]);
      }),
    );
  });

  test('of equal fences the later line counts', ({ expect }) => {
    const lines = inOrder([
      { seq: 1, fence: 5, text: 'first' },
      { seq: 1, fence: 5, text: 'again' },
    ]);
    expect(mergeHistory(lines.toReversed()).map(({ text }) => text)).toEqual(['again']);
  });
});

describe('holes', () => {
  const seqs = fc.uniqueArray(fc.integer({ min: 1, max: 20 })).map((list) => list.toSorted((a, b) => a - b));
  const range = fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 20 }));

  test('gaps and lines together are the whole range', ({ expect }) => {
    fc.assert(
      fc.property(seqs, range, (present, [from, to]) => {
        const gaps = gapsIn(
          present.map((seq) => ({ seq })),
          from,
          to,
        );
        const missing = gaps.flatMap(({ fromSeq, toSeq }) =>
          Array.from({ length: toSeq - fromSeq + 1 }, (_, index) => fromSeq + index),
        );
        const wanted = Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
        expect(missing).toEqual(wanted.filter((seq) => !present.includes(seq)));
      }),
    );
  });

  test('the unbroken end ends where it should and has no hole', ({ expect }) => {
    fc.assert(
      fc.property(seqs, fc.integer({ min: 1, max: 20 }), (present, last) => {
        const upTo = present.filter((seq) => seq <= last);
        const end = unbrokenEnd(
          upTo.map((seq) => ({ seq })),
          last,
        ).map(({ seq }) => seq);
        expect(end).toEqual(end.map((_, index) => last - end.length + 1 + index));
        expect(upTo.includes(last - end.length)).toBe(false);
      }),
    );
  });
});
