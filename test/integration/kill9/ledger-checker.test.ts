/** The checker that judges the others must itself be able to say no: each lie planted here is found out. */
import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { queueKeys, sessionKeys } from '@moltbot/shared/redis';
import { beforeAll, describe, expect, test } from 'vitest';
import { checkLedger, type SeenEnd, type SentSession } from '../../support/ledger-checker.ts';
import { newSession, runTurn, segments, untilArchived, useArchive } from '../archive/setup.ts';

const archive = useArchive();
let root: string;
let uid: string;
const TURNS = 3;

type Case = Readonly<{ sid: string; session: SentSession & { turns: { seenEnds: SeenEnd[] }[] } }>;

/** Three turns of a session of its own, as they happen when nothing goes wrong. */
async function goodSession(): Promise<Case> {
  const key = `agent:main:${randomUUID()}`;
  const ref = await newSession(archive.redis(), uid, key);
  const turns = [];
  for (let at = 0; at < TURNS; at += 1) {
    const runId = randomUUID();
    await runTurn(archive.redis(), ref, runId);
    turns.push({ runId, text: `say ${runId}`, answer: `answer to ${runId}`, seenEnds: [] as SeenEnd[] });
  }
  await untilArchived(archive.redis(), ref);
  return { sid: ref.sid, session: { userId: uid, key, turns } };
}

const judge = async ({ session }: Case): Promise<string[]> =>
  await checkLedger({ redis: archive.redis(), archiveRoot: root, sessions: [session] });

async function inLog({ sid }: Case, at: number): Promise<string> {
  return (await archive.redis().lindex(sessionKeys.log(sid), at)) ?? '';
}

async function rewriteArchive({ sid }: Case, change: (text: string) => string): Promise<void> {
  const [segment] = await segments(root, { uid, sid, key: '' });
  if (segment) await writeFile(segment.path, change(await readFile(segment.path, 'utf8')));
}

const LIES: readonly (readonly [string, string, (found: Case) => Promise<unknown> | void])[] = [
  [
    'a session that is gone',
    'its state is gone (3 turns were accepted)',
    async ({ sid }) => await archive.redis().del(sessionKeys.state(sid)),
  ],
  [
    'a message that is lost',
    'once and in order',
    async (found) => {
      await archive.redis().lset(sessionKeys.log(found.sid), 2, await inLog(found, 0));
    },
  ],
  [
    'messages out of order',
    'once and in order',
    async (found) => {
      const [first, second] = [await inLog(found, 0), await inLog(found, 2)];
      await archive.redis().lset(sessionKeys.log(found.sid), 0, second);
      await archive.redis().lset(sessionKeys.log(found.sid), 2, first);
    },
  ],
  [
    'a message that stands there twice',
    'records for 3 turns',
    async (found) => {
      await archive.redis().rpush(sessionKeys.log(found.sid), await inLog(found, 0));
      await archive.redis().hincrby(sessionKeys.state(found.sid), 'seq', 1);
    },
  ],
  [
    'an answer cut short that looks whole',
    'looks whole and says "answer"',
    async (found) => {
      const cut = (await inLog(found, 1)).replace(/answer to [\w-]+/, 'answer');
      await archive.redis().lset(sessionKeys.log(found.sid), 1, cut);
    },
  ],
  [
    'an error that nobody expects',
    'ended with error',
    async (found) => {
      const failed = (await inLog(found, 3)).replace('"stopReason":"stop"', '"stopReason":"error"');
      await archive.redis().lset(sessionKeys.log(found.sid), 3, failed);
    },
  ],
  [
    'a second terminal event',
    'has 2 terminal events',
    async ({ sid, session }) => {
      const e = JSON.stringify({ t: 'end', run: session.turns[0]?.runId });
      await archive.redis().xadd(sessionKeys.events(sid), '*', 'n', 9, 'p', '', 'e', e);
    },
  ],
  [
    'an end that was taken back',
    'a client saw error',
    ({ session }) => {
      session.turns[1]?.seenEnds.push({ connection: 'a', state: 'error', text: '' });
    },
  ],
  [
    'an end heard twice',
    'heard its end 2 times',
    ({ session }) => {
      const turn = session.turns[1];
      const end = { connection: 'a', state: 'final', text: `answer to ${turn?.runId}` } as const;
      turn?.seenEnds.push(end, end);
    },
  ],
  [
    'an end with another text',
    'a client saw the end "else"',
    ({ session }) => {
      session.turns[1]?.seenEnds.push({ connection: 'a', state: 'final', text: 'else' });
    },
  ],
  [
    'a line missing in the archive',
    'its archive lacks 3',
    async (found) => {
      await rewriteArchive(found, (text) =>
        text
          .split('\n')
          .filter((line) => !line.includes('"seq":3,'))
          .join('\n'),
      );
    },
  ],
  [
    'a half line with another glued to it',
    'a broken line',
    async (found) => {
      await rewriteArchive(found, (text) => {
        const [head, first = '', ...rest] = text.split('\n');
        return [head, first.slice(0, 60) + rest[0], ...rest.slice(1)].join('\n');
      });
    },
  ],
  [
    'an archived line that was never committed',
    'was not committed',
    async (found) => {
      await archive.redis().lset(sessionKeys.log(found.sid), 4, (await inLog(found, 4)).replace(/^\d+/, '7'));
    },
  ],
  [
    'a turn without an end',
    'open turns',
    async () => {
      await archive.redis().hincrby(queueKeys.ledger, 'accepted', 1);
      return async () => await archive.redis().hincrby(queueKeys.ledger, 'accepted', -1);
    },
  ],
  [
    'a session that waits for the archiver',
    'still names',
    async ({ sid }) => {
      await archive.redis().zadd(queueKeys.due, 9e15, sid);
      return async () => await archive.redis().zrem(queueKeys.due, sid);
    },
  ],
];

describe('T-1, T-2, T-9: the ledger checker', () => {
  beforeAll(async () => {
    uid = archive.newUser();
  });

  test('finds nothing wrong where nothing is, and every planted lie', async () => {
    root = await archive.newRoot();
    await archive.start(root);
    expect(await judge(await goodSession())).toEqual([]);
    for (const [what, words, plant] of LIES) {
      const found = await goodSession();
      const undo = await plant(found);
      expect((await judge(found)).join('\n'), what).toContain(words);
      if (typeof undo === 'function') await (undo as () => Promise<unknown>)();
    }
  });
});
