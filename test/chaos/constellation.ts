/**
 * Everything that a company would run, as processes of their own on this machine: three Redis servers and
 * three Sentinels, gateways, workers, session-stores, auth, and HAProxy with our file in front of it all.
 */
import { startClusterOn, type ClusterOn } from '../support/cluster.ts';
import { startHaproxy, type Haproxy } from '../support/haproxy.ts';
import { listen, newPerson, type Person } from '../support/people.ts';
import { startSentinels, type Sentinels } from '../support/sentinels.ts';

export type Constellation = AsyncDisposable &
  Readonly<{ sentinels: Sentinels; cluster: ClusterOn; haproxy: Haproxy; people: readonly Person[] }>;

/** How long a worker that is told to end lets its turns end. */
const DRAIN_MS = '1000';
const SLOTS = '32';

export async function startConstellation(users: number): Promise<Constellation> {
  await using started = new AsyncDisposableStack();
  // one fault kills replicas too: what they have acknowledged must be in their files
  const sentinels = started.use(await startSentinels({ redis: { appendfsync: 'always' } }));
  const cluster = started.use(
    await startClusterOn(sentinels.url, {
      gateways: 3,
      workers: 3,
      stores: 2,
      env: {
        WORKER_SLOTS: SLOTS,
        WORKER_DRAIN_MS: DRAIN_MS,
        PROVIDER_STALL_MS: '4000',
        PROVIDER_MAX_RETRIES: '2',
      },
    }),
  );
  const haproxy = started.use(await startHaproxy({ gateways: cluster.gateways }));
  const people = await newPeople(cluster, users);
  const owned = started.move();
  return { sentinels, cluster, haproxy, people, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function newPeople(cluster: ClusterOn, users: number): Promise<Person[]> {
  using admin = listen(cluster.gateways[0]?.wsUrl ?? '', cluster.token);
  const made: Person[] = [];
  for (let at = 0; at < users; at += 1) made.push(await newPerson(admin, `user-${at}`));
  return made;
}
