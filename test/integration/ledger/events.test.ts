import type { LoggedEvent } from '@moltbot/shared/contracts';
import { sessionKeys } from '@moltbot/shared/redis';
import {
  beginTurn,
  commitTurn,
  emitEvent,
  openSession,
  readEvents,
  readNewest,
  type Run,
  type SessionRef,
} from '@moltbot/turns';
import type { Redis } from 'ioredis';
import { describe, test } from 'vitest';
import { acceptNew, delta, ending, LANE, useLedger, USER_CAP, watching } from './setup.ts';

const ledger = useLedger();

async function session(...runIds: string[]): Promise<{ redis: Redis; ref: SessionRef }> {
  const redis = ledger.redis();
  const ref = await openSession(redis, ledger.newUser(), 'agent:main:main', LANE);
  for (const runId of runIds) await acceptNew(redis, ref, runId);
  return { redis, ref };
}

async function begin(redis: Redis, ref: SessionRef, owner = 'worker-a'): Promise<Run> {
  const begun = await beginTurn(redis, ref, owner, USER_CAP);
  if (begun.kind !== 'run') throw new Error(`begin was answered ${begun.kind}`);
  return begun.run;
}

describe('a long stream', () => {
  /** A run of 2,500 words, and how each of its pieces is asked for. */
  async function long(): Promise<{ redis: Redis; ref: SessionRef; words: string[] }> {
    const { redis, ref } = await session('one');
    const run = await begin(redis, ref);
    const words = Array.from({ length: 2_500 }, (_, at) => `w${at} `);
    await Promise.all(words.map(async (word) => await emitEvent(redis, run, delta(run, word))));
    return { redis, ref, words };
  }
  const said = (events: readonly LoggedEvent[]): string[] =>
    events.flatMap(({ e }) => (e.t === 'delta' ? e.text : []));

  test('is read in pages, from its beginning or behind a cursor', async ({ expect }) => {
    const { redis, ref, words } = await long();
    const lengths: number[] = [];
    const watched = watching(redis, async (entries) => {
      lengths.push(entries.length);
      return await Promise.resolve();
    });
    const { events } = await readEvents(watched, ref, '');
    expect(said(events)).toEqual(words);
    expect(lengths).toEqual([1_000, 1_000, 502]);
    const after = await readEvents(watched, ref, events[1_301]?.id ?? '');
    expect([after.gap, said(after.events)]).toEqual([false, words.slice(1_300)]);
    expect(Math.max(...lengths)).toBe(1_000);
  });

  test('T-6: that is shortened between two pages is read again, and never with a hole', async ({
    expect,
  }) => {
    const { redis, ref, words } = await long();
    let shortened = false;
    const watched = watching(redis, async () => {
      if (shortened) return;
      shortened = true;
      await redis.xtrim(sessionKeys.events(ref.sid), 'MAXLEN', 700);
    });
    const { events } = await readEvents(watched, ref, '');
    expect(said(events)).toEqual(words.slice(-700));
  });

  test('says what is newest, and whether anything waits or runs after it', async ({ expect }) => {
    const { redis, ref } = await session();
    expect(await readNewest(redis, ref.sid)).toEqual({ id: '', atRest: true });
    await acceptNew(redis, ref, 'one');
    expect(await readNewest(redis, ref.sid)).toMatchObject({ atRest: false });
    const run = await begin(redis, ref);
    await acceptNew(redis, ref, 'two');
    await commitTurn(redis, run, ending(run));
    expect(await readNewest(redis, ref.sid)).toMatchObject({ atRest: false });
    const next = await begin(redis, ref);
    expect(await readNewest(redis, ref.sid)).toMatchObject({ atRest: false });
    await commitTurn(redis, next, ending(next));
    const { events } = await readEvents(redis, ref, '');
    expect(await readNewest(redis, ref.sid)).toEqual({ id: events.at(-1)?.id, atRest: true });
  });
});
