import { expect, test } from 'vitest';
import { judgeMutant, type Mutation } from './mutant.ts';

type Case = Readonly<{ without: string; mutation: Mutation; testFile: string; only: string }>;

const SCRIPTS = 'packages/turns/src/scripts.gen.ts';

const FENCE_OF_AN_END = 'if s[1] ~= ARGV[1] then return {-1} end\n';
/** Only the newest of its scripts answers so. */
const REST_OF_AN_END = `if s[7] == ARGV[2] then return {1, redis.call('LLEN', KEYS[2])} end
if s[6] ~= ARGV[2] or redis.call('LINDEX', KEYS[2], 0) ~= ARGV[2] then return {-3} end`;

/** What stands in a script, with the return that makes it one script's alone. */
const CASES: readonly Case[] = [
  {
    without: 'the fence check of an end, a stale worker ends the turn',
    mutation: {
      file: SCRIPTS,
      find: `${FENCE_OF_AN_END}${REST_OF_AN_END}`,
      replace: REST_OF_AN_END,
    },
    testFile: 'test/integration/ledger/run.test.ts',
    only: 'T-4',
  },
  {
    without: 'the fence check of an event, a stale worker speaks',
    mutation: {
      file: SCRIPTS,
      find: 'if s[1] ~= ARGV[1] or s[5] ~= ARGV[5] then return {-1} end\nlocal said',
      replace: 'local said',
    },
    testFile: 'test/integration/ledger/run.test.ts',
    only: 'T-4',
  },
  {
    without: 'the idempotency check, a message sent again makes a second turn',
    mutation: {
      file: SCRIPTS,
      find: "if seen[1] then return {'dup', seen[1], seen[2], seen[3], seen[4] or ''} end",
      replace: '',
    },
    testFile: 'test/integration/ledger/accept.test.ts',
    only: 'T-3',
  },
  {
    without: 'the wait for replicas, people see an end that a failover takes back',
    mutation: { file: 'packages/shared/src/redis/durability.ts', find: 'await cover(server);', replace: '' },
    testFile: 'test/integration/failover/held-back.test.ts',
    only: 'T-9',
  },
  {
    without: 'the read after a lost bell, a client misses what was said',
    mutation: {
      file: 'services/gateway/src/adapters/session-tail.ts',
      find: 'for (const event of events) this.#apply(event, rebuild && !news(event));',
      replace: 'void news; void events;',
    },
    testFile: 'services/gateway/src/adapters/session-tail.test.ts',
    only: '',
  },
  {
    without: 'what came after the cursor, a client that comes back has a hole in its answer',
    mutation: {
      file: 'services/gateway/src/ws/replay.ts',
      find: 'of steps.slice(at)) {',
      replace: 'of steps.slice(steps.length)) {',
    },
    testFile: 'services/gateway/src/ws/replay.test.ts',
    only: '',
  },
  {
    without: 'the look for lost events at the end, an end takes the id of words that people have seen',
    mutation: {
      file: SCRIPTS,
      find: 'if tonumber(s[8] or 0) < tonumber(ARGV[16]) then return {-2} end',
      replace: '',
    },
    testFile: 'test/integration/ledger/run.test.ts',
    only: 'T-6',
  },
  {
    without: 'the look for events that a failover lost, their words are never said again',
    mutation: { file: SCRIPTS, find: 'if tonumber(ARGV[7]) > said + 1 then return {-2} end', replace: '' },
    testFile: 'test/integration/ledger/run.test.ts',
    only: 'T-6',
  },
];

test.for(CASES)('T-3, T-4, T-6, T-8: without $without', { timeout: 300_000 }, async (one) => {
  const { failed } = await judgeMutant(one.mutation, one.testFile, one.only);
  expect(failed).not.toEqual([]);
});
