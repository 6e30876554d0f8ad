/**
 * What we promise to those who run this, each with the id its tests carry in their titles
 * (`test('T-2: …')`). A promise without a test, or a test naming an unknown id, fails the build.
 */
export type Claim = Readonly<{
  promise: string;
  /** `later`: not part of this release, so no test is demanded of it yet. */
  since: 'now' | 'later';
}>;

export const CLAIMS = {
  'T-1': { promise: 'an accepted turn ends in exactly one terminal event', since: 'now' },
  'T-2': { promise: 'turns of one session run one at a time and in order', since: 'now' },
  'T-3': { promise: 'the same idempotency key never makes two turns within 24 hours', since: 'now' },
  'T-4': { promise: 'a stale worker can change nothing', since: 'now' },
  'T-5': { promise: 'a worker that dies is replaced within 15 seconds', since: 'now' },
  'T-6': { promise: 'a client that reconnects gets every event after its cursor once', since: 'now' },
  'T-7': { promise: 'a gateway that dies costs a reconnect and nothing else', since: 'now' },
  'T-8': {
    promise: 'a Redis primary that dies, hangs or is cut off alone loses no accepted turn and no seen end',
    since: 'now',
  },
  'T-9': { promise: 'the archive is a prefix of what was committed, at every instant', since: 'now' },
  'T-10': { promise: "one user's backlog does not delay the others", since: 'now' },
  'C-1': { promise: 'a short or wrong token never opens a door', since: 'now' },
  'C-2': { promise: 'a revoked token is refused on every replica within a second', since: 'now' },
  'C-3': { promise: 'nobody sees, changes or hears of the sessions of another user', since: 'now' },
  'G-1': { promise: 'every command of the deployment guide works as it is printed', since: 'now' },
  'G-2': { promise: 'where the guide is wrong, the command our documentation gives works', since: 'now' },
  'G-3': { promise: 'the hot update of the guide restarts nothing and closes no connection', since: 'now' },
  'G-4': {
    promise: 'Prometheus scrapes what the guide wants to see, and the shipped rules fire',
    since: 'now',
  },
  'G-5': { promise: 'the API is called as the guide shows, also below the path of BigModel', since: 'now' },
  'G-6': { promise: 'cacheControlTtl "1h" reaches the provider as a cache mark of one hour', since: 'now' },
  'G-7': {
    promise: 'the daily budget of a provider is kept, and warned about before it is used up',
    since: 'now',
  },
  'G-8': {
    promise: 'people who use the same session key never meet; idle sessions start over',
    since: 'now',
  },
  'G-9': {
    promise: 'the gateway token is long enough, never shown, and replaced without an outage',
    since: 'now',
  },
  'G-10': { promise: 'the log tells who was turned away, and holds no secret and no message', since: 'now' },
  'G-11': { promise: 'maxConcurrent caps what runs, and a change is felt at once', since: 'now' },
  'G-12': {
    promise: 'files are closed as the guide wants them, and a backup brings everything back',
    since: 'now',
  },
  'G-13': { promise: 'the setup script and the unit lay out a server that starts', since: 'now' },
  'G-14': { promise: 'chat and streams pass our nginx site file', since: 'now' },
  'O-1': {
    promise: 'moltbot restore rebuilds an empty Redis from the archive, record for record',
    since: 'now',
  },
  'O-2': { promise: 'doctor --fix repairs what it reports', since: 'now' },
  'P-1': {
    promise: 'chat, streams and idle connections pass HAProxy, nginx and Caddy as we configure them',
    since: 'now',
  },
  'P-2': {
    promise: 'a gateway that drains or a proxy that reloads costs no failed connection',
    since: 'now',
  },
} as const satisfies Record<string, Claim>;

export type ClaimId = keyof typeof CLAIMS;
