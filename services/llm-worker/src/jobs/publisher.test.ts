import { expect, test } from 'vitest';
import type { Held } from '@moltbot/turns';
import { createPublisher } from './publisher.ts';

const HELD: Held = { lost: false, abortReason: '' };

/** Publishing that waits to be let through, one batch after the other. */
function slowly() {
  const batches: string[] = [];
  let release: (held: Held) => void = () => undefined;
  const publisher = createPublisher(
    async (text) => {
      batches.push(text);
      return await new Promise<Held>((resolve) => {
        release = resolve;
      });
    },
    () => undefined,
  );
  return { publisher, batches, next: (): void => release(HELD) };
}

test('the first words go at once; what is said meanwhile is one batch', async () => {
  const { publisher, batches, next } = slowly();
  for (const word of ['a', 'b', 'c']) publisher.push(word);
  expect(batches).toEqual(['a']);
  next();
  await expect.poll(() => batches).toEqual(['a', 'bc']);
  expect(publisher.text()).toBe('abc');
  next();
  await publisher.flush();
});

test('a flush waits for everything, and nothing said is all published', async () => {
  const { publisher, batches, next } = slowly();
  await publisher.flush();
  publisher.push('a');
  publisher.push('b');
  const flushed = publisher.flush().then(() => batches.length);
  next();
  await expect.poll(() => batches.length).toBe(2);
  next();
  await expect(flushed).resolves.toBe(2);
});

test.each([0, 1, 2, 3, 4, 5, 6])('words said %i steps after a batch are not left behind', async (steps) => {
  const batches: string[] = [];
  const publisher = createPublisher(
    async (text) => {
      batches.push(text);
      return await Promise.resolve(HELD);
    },
    () => undefined,
  );
  publisher.push('a');
  for (let step = 0; step < steps; step += 1) await Promise.resolve();
  publisher.push('b');
  await publisher.flush();
  expect(batches.join('')).toBe('ab');
});

test('every answer of the ledger is heard, and a failure ends the publishing and is thrown', async () => {
  const heard: Held[] = [];
  const answers = [HELD, { lost: true, abortReason: '' }];
  const publisher = createPublisher(
    async () => {
      const held = answers.shift();
      if (!held) throw new Error('no Redis');
      return await Promise.resolve(held);
    },
    (held) => void heard.push(held),
  );
  publisher.push('a');
  await publisher.flush();
  publisher.push('b');
  await publisher.flush();
  expect(heard.map(({ lost }) => lost)).toEqual([false, true]);
  publisher.push('c');
  await expect(publisher.flush()).rejects.toThrow('no Redis');
  publisher.push('d');
  await expect(publisher.flush()).rejects.toThrow('no Redis');
  expect(publisher.text()).toBe('abcd');
});
