import { expect, test } from 'vitest';
import type { Hub } from '../domain/ports.ts';
import type { Services } from '../services.ts';
import type { Connection } from './connection.ts';
import { createFanout } from './fanout.ts';

const sessions = {} as Services['sessions'];
const connection = { id: 'c' } as Connection;

/** A hub whose subscriptions begin or fail when the test says so. */
function heldHub() {
  const held: PromiseWithResolvers<() => void>[] = [];
  const watch = async (): Promise<() => void> => {
    const subscription = Promise.withResolvers<() => void>();
    held.push(subscription);
    return await subscription.promise;
  };
  const nobodyAway = async (): Promise<never> => await Promise.reject(new Error('nobody was away'));
  const looks = { replay: nobodyAway, newest: nobodyAway };
  const hub: Hub = { watchUser: watch, watchRun: watch, expect: () => undefined, ...looks };
  return { hub, held };
}

test('a subscription that fails after its connection has left is nobody’s error but the one who joined', async () => {
  const { hub, held } = heldHub();
  const fanout = createFanout({ hub, sessions });
  const joined = fanout.join('alice', connection).catch((error: Error) => error.message);
  fanout.leave('alice', connection);
  held[0]?.reject(new Error('no Redis'));
  expect(await joined).toBe('no Redis');
  await new Promise(setImmediate); // a rejection nobody handled would end the test here
  expect(fanout.connections()).toEqual([]);
});

test('an old subscription that fails does not forget the new one', async () => {
  const { hub, held } = heldHub();
  const fanout = createFanout({ hub, sessions });
  const first = fanout.join('alice', connection).catch(() => 'failed');
  fanout.leave('alice', connection);
  const second = fanout.join('alice', connection);
  held[0]?.reject(new Error('no Redis'));
  held[1]?.resolve(() => undefined);
  await second;
  expect(await first).toBe('failed');
  expect(fanout.connections('alice')).toEqual([connection]);
});
