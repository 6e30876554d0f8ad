/** The short form of `npm run chaos`: fewer people, the faults that matter most, no figures. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startConstellation, type Constellation } from '../../chaos/constellation.ts';
import { FAULTS } from '../../chaos/faults.ts';
import { runFault } from '../../chaos/run-fault.ts';
import { seeded } from '../../support/seeded.ts';

const USERS = 10;
const WITHIN_MS = 240_000;

let constellation: Constellation;
beforeAll(async () => {
  constellation = await startConstellation(USERS);
}, WITHIN_MS);
afterAll(async () => await constellation[Symbol.asyncDispose]());

test.for(FAULTS.filter(({ short }) => short === true))(
  'T-1, T-2, T-3, T-5, T-6, T-7, T-8, T-9: nothing is lost or doubled: $name',
  { timeout: WITHIN_MS },
  async (fault) => {
    const chance = seeded();
    const { faults, turns } = await runFault(constellation, fault, 0, chance);
    expect(faults, `MOLTBOT_TEST_SEED=${chance.seed}\n${constellation.cluster.output()}`).toEqual([]);
    expect(turns).toBeGreaterThan(USERS);
  },
);
