/** The product and the primary on one side of a cut, both replicas and two Sentinels on the other. */
import { randomUUID } from 'node:crypto';
import { RequestError } from '@moltbot/client';
import { expect, test } from 'vitest';
import { startClusterOn } from '../../support/cluster.ts';
import { atRest, checkLedger, type SentTurn } from '../../support/ledger-checker.ts';
import { mayPartition, startPartition } from '../../support/partition.ts';
import { listen, newPerson, shownText, until } from '../../support/people.ts';
import { startSentinels } from '../../support/sentinels.ts';

const KEY = 'agent:main:main';
const PATIENCE_MS = 60_000;
const SENT_IN_THE_CUT = 20;

test.runIf(mayPartition())(
  'T-8, T-1, T-3: a primary that is cut off with its clients takes nothing that the other side would not know',
  { timeout: 240_000 },
  async () => {
    using partition = startPartition();
    await using sentinels = await startSentinels({
      hosts: { first: partition.here, others: partition.there },
    });
    await using cluster = await startClusterOn(sentinels.url, { gateways: 1, workers: 1, stores: 1 });
    const wsUrl = cluster.gateways[0]?.wsUrl ?? '';
    using admin = listen(wsUrl, cluster.token);
    using user = listen(wsUrl, (await newPerson(admin, 'alice')).token);
    const send = async ({ runId, text }: SentTurn): Promise<unknown> =>
      await user.request('chat.send', { sessionKey: KEY, message: text, idempotencyKey: runId });
    const first = await sentinels.primary();

    const before = newTurn(0);
    await send(before);
    expect(shownText(await user.end(before.runId))).toBe(before.answer);
    partition.cut();
    const lost = Array.from({ length: SENT_IN_THE_CUT }, (_, at) => newTurn(at + 1));
    for (const turn of lost) {
      const answer = await send(turn).catch((error: unknown) => error);
      expect(answer).toBeInstanceOf(RequestError);
      expect(answer).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
      if (sentinels.primaryThere() !== first) break;
    }
    await until(() => sentinels.primaryThere() !== first, 'a primary on the other side', PATIENCE_MS);
    expect(lost.flatMap(({ runId }) => user.chats(runId).filter(({ state }) => state !== 'delta'))).toEqual(
      [],
    );

    partition.heal();
    const again = lost.slice(0, 3);
    for (const turn of again) {
      await until(async () => await send(turn).then(Boolean, () => false), 'it is taken again', PATIENCE_MS);
      expect(shownText(await user.end(turn.runId))).toBe(turn.answer);
    }
    await until(async () => await atRest(cluster.redis), 'everything is archived', PATIENCE_MS);
    const sessions = [{ userId: 'alice', key: KEY, turns: [before, ...again] }];
    const state = { redis: cluster.redis, archiveRoot: cluster.archiveDir, sessions };
    expect(await checkLedger(state), cluster.output()).toEqual([]);
  },
);

function newTurn(at: number): SentTurn {
  const answer = `answer ${at}: one two three`;
  return { runId: randomUUID(), text: `#delay 20 #echo ${answer}`, answer, seenEnds: [] };
}
