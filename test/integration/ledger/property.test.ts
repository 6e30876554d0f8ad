import fc from 'fast-check';
import { decodeBell } from '@moltbot/turns';
import type { LoggedEvent } from '@moltbot/shared/contracts';
import { userKeys } from '@moltbot/shared/redis';
import type { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { expectOneAtATime, expectUnbroken } from './order.ts';
import { agree, shape } from './property/agree.ts';
import { COMMANDS } from './property/commands.ts';
import { stayAway } from './property/keepers.ts';
import { emptyModel, SLOTS, type Model } from './property/model.ts';
import { begin, commit, leaseEnds } from './property/workers.ts';
import { useLedger } from './setup.ts';

const ledger = useLedger();
const RUNS = Number(process.env['LEDGER_RUNS'] ?? 80);

/** Whatever state things are in: workers come back, and every session is brought to rest. */
async function finish(model: Model, redis: Redis): Promise<void> {
  for (const [which, session] of model.sessions.entries()) {
    while (session.inbox.length > 0) {
      await leaseEnds(model, redis, which);
      await begin(model, redis, 'Z', which);
      await stayAway(model, redis, which);
      for (const other of model.sessions.keys())
        if (model.sessions[other]?.running && other !== which) await leaseEnds(model, redis, other);
      await commit(model, redis, 'Z', 'final', false);
    }
  }
  await agree(redis, model);
}

/** The user's channel said the same as the streams, and nothing twice. */
function told(model: Model, heard: readonly LoggedEvent[]): void {
  for (const session of model.sessions) {
    const mine = heard.filter(({ sid }) => sid === session.ref.sid);
    expect(mine.map(shape)).toEqual(session.told);
    expect(mine.every(({ key }) => key === session.ref.key)).toBe(true);
    expectUnbroken(mine);
    expectOneAtATime(mine);
  }
}

test(
  'T-1, T-2, T-3, T-4: after any sequence of moves Redis holds what the rules say',
  { timeout: 300_000 },
  async () => {
    const redis = ledger.redis();
    const ears = ledger.connect();
    let heard: LoggedEvent[] = [];
    let silence = (): void => undefined;
    ears.on('message', (channel, message) =>
      channel === 'silence' ? silence() : heard.push(decodeBell(message)),
    );
    await ears.subscribe('silence', ...new Set(SLOTS.map(({ uid }) => userKeys.bell(uid))));
    const oneRun = async (commands: Iterable<fc.AsyncCommand<Model, Redis>>): Promise<void> => {
      await redis.flushall();
      heard = [];
      const model = emptyModel();
      await fc.asyncModelRun(() => ({ model, real: redis }), commands);
      await finish(model, redis);
      const quiet = new Promise<void>((resolve) => (silence = resolve));
      await redis.publish('silence', '');
      await quiet;
      told(model, heard);
    };
    const property = fc.asyncProperty(fc.commands(COMMANDS, { maxCommands: 150, size: 'max' }), oneRun);
    await expect(fc.assert(property, { numRuns: RUNS })).resolves.toBeUndefined();
  },
);
