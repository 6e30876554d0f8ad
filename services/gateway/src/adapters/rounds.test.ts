import { expect, test } from 'vitest';
import { createRounds } from './rounds.ts';

function heldReads() {
  const held: PromiseWithResolvers<number>[] = [];
  const read = async (): Promise<number> => {
    held.push(Promise.withResolvers<number>());
    return (await held.at(-1)?.promise) ?? -1;
  };
  return { held, read };
}

test('whoever asks during a reading shares the next one, which begins after they asked', async () => {
  const rounds = createRounds<number>();
  const { held, read } = heldReads();
  const first = rounds('s', read);
  const others = [rounds('s', read), rounds('s', read), rounds('s', read)];
  const elsewhere = rounds('other', read);
  expect(held).toHaveLength(2);
  held[0]?.resolve(1);
  held[1]?.resolve(9);
  expect([await first, await elsewhere]).toEqual([1, 9]);
  await expect.poll(() => held.length).toBe(3);
  const late = rounds('s', read);
  held[2]?.resolve(2);
  expect(await Promise.all(others)).toEqual([2, 2, 2]);
  await expect.poll(() => held.length).toBe(4);
  held[3]?.resolve(3);
  expect(await late).toBe(3);
});

test('a reading that fails fails for who shared it, and not for the next', async () => {
  const rounds = createRounds<number>();
  const { held, read } = heldReads();
  const first = rounds('s', read);
  const second = rounds('s', read);
  held[0]?.reject(new Error('no Redis'));
  await expect(first).rejects.toThrow('no Redis');
  await expect.poll(() => held.length).toBe(2);
  held[1]?.resolve(2);
  expect(await second).toBe(2);
});
