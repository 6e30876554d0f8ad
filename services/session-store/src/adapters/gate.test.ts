import { setImmediate as nextTick } from 'node:timers/promises';
import { test } from 'vitest';
import { createGate, withDeadline } from './gate.ts';

test('so many tasks run at once, and the next begins when one has ended, well or not', async ({ expect }) => {
  const gate = createGate(2);
  const begun: number[] = [];
  const ends = [0, 1, 2, 3].map(() => Promise.withResolvers<void>());
  const tasks = ends.map(async ({ promise }, index) => {
    await gate(async () => {
      begun.push(index);
      await promise;
    });
  });
  const settled = Promise.allSettled(tasks);
  expect(begun).toEqual([0, 1]);
  ends[1]?.reject(new Error('failed'));
  await expect(tasks[1]).rejects.toThrow('failed');
  await nextTick();
  expect(begun).toEqual([0, 1, 2]);
  for (const { resolve } of ends) resolve();
  expect((await settled).map(({ status }) => status)).toEqual([
    'fulfilled',
    'rejected',
    'fulfilled',
    'fulfilled',
  ]);
});

test('whoever waits behind a task that hangs is told in time, and never begins later', async ({ expect }) => {
  const gate = createGate(1);
  const hang = Promise.withResolvers<void>();
  let late = 0;
  const first = withDeadline(gate, 20, async () => await hang.promise);
  const second = withDeadline(gate, 20, async () => (late += 1));
  await expect(first).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await expect(second).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  hang.resolve();
  await nextTick();
  expect(await withDeadline(gate, 1_000, () => Promise.resolve('again'))).toBe('again');
  expect(late).toBe(0);
});
