/**
 * What one user can learn or do about another's sessions: nothing, by any method, any route and
 * through any replica. Whatever names somebody else's is answered like what does not exist.
 */
import { randomUUID } from 'node:crypto';
import { RequestError } from '@moltbot/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCluster, type Cluster } from '../../support/cluster.ts';
import { listen, newPerson, until, type Listener, type Person } from '../../support/people.ts';

/** Stands in Alice's messages, answers and labels, and in nothing that a stranger sends. */
const SECRET = 'ALICE-SECRET';

let cluster: Cluster;
let admin: Listener;
let alice: { person: Person; listener: Listener; target: Target };
beforeAll(async () => {
  cluster = await startCluster({ gateways: 2, workers: 1 });
  admin = listen(gateway(0).wsUrl, cluster.token);
  alice = await newAlice();
}, 90_000);
afterAll(async () => {
  alice?.listener.client.close();
  admin?.client.close();
  await cluster?.[Symbol.asyncDispose]();
});

function gateway(at: number): Cluster['gateways'][number] {
  const found = cluster.gateways[at];
  if (!found) throw new Error(`no gateway ${at}`);
  return found;
}

/** What a stranger may have heard of: the names, never the content. */
type Target = Readonly<{ key: string; sid: string; runId: string }>;
const missing = (): Target => ({ key: `agent:main:${randomUUID()}`, sid: randomUUID(), runId: randomUUID() });

async function newAlice(): Promise<typeof alice> {
  const person = await newPerson(admin, 'alice');
  const listener = listen(gateway(0).wsUrl, person.token);
  const key = 'agent:main:plans';
  const first = randomUUID();
  await listener.request('chat.send', {
    sessionKey: key,
    message: `#echo ${SECRET} said`,
    idempotencyKey: first,
  });
  await listener.end(first);
  await listener.request('sessions.patch', { key, label: `${SECRET} label` });
  // and one answer that never ends by itself
  const runId = randomUUID();
  await listener.request('chat.send', {
    sessionKey: key,
    message: `${SECRET} #fault endless`,
    idempotencyKey: runId,
  });
  await until(() => listener.chats(runId).length > 0, 'her first words');
  const { sessionId } = await listener.request<{ sessionId: string }>('chat.history', { sessionKey: key });
  return { person, listener, target: { key, sid: sessionId, runId } };
}

type Probe = (target: Target) => Record<string, unknown>;
const byKey: Probe = ({ key }) => ({ key });
const bySessionKey: Probe = ({ key }) => ({ sessionKey: key });
const withItsRunId: Probe = ({ key, runId }) => ({
  sessionKey: key,
  message: '#echo mine',
  idempotencyKey: runId,
});

/** How each method that takes a reference is asked about one; looking comes before doing. */
const PROBES: Readonly<Record<string, readonly Probe[]>> = {
  'agent.wait': [({ runId }) => ({ runId, timeoutMs: 50 })],
  'chat.history': [bySessionKey],
  'chat.resume': [({ key, sid }) => ({ sessionKey: key, cursor: `${sid}/1700000000000-0` })],
  'chat.abort': [bySessionKey, ({ key, runId }) => ({ sessionKey: key, runId })],
  'chat.inject': [({ key }) => ({ sessionKey: key, message: 'from a stranger' })],
  'sessions.get': [byKey],
  'sessions.describe': [byKey],
  'sessions.preview': [({ key }) => ({ keys: [key] })],
  'sessions.resolve': [byKey, ({ sid }) => ({ sessionId: sid }), () => ({ label: `${SECRET} label` })],
  'sessions.list': [
    () => ({ includeDerivedTitles: true, includeLastMessage: true }),
    () => ({ search: 'plans' }),
  ],
  'sessions.compact': [byKey],
  'sessions.messages.subscribe': [byKey],
  'sessions.messages.unsubscribe': [byKey],
  'sessions.delete': [byKey],
  'sessions.patch': [({ key }) => ({ key, thinkingLevel: 'low' })],
  'sessions.reset': [byKey],
  'chat.send': [withItsRunId],
  agent: [(target) => ({ ...withItsRunId(target), idempotencyKey: `agent-${target.runId}` })],
};
const NAMES_A_SESSION = /must have required property '(sessionKey|key|keys|runId|sessionId|idempotencyKey)'/;

type Answer = Readonly<{ method: string; text: string }>;

async function ask(stranger: Listener, method: string, params: unknown, target: Target): Promise<Answer> {
  const answer = await stranger.request(method, params).catch((error: unknown) => {
    if (!(error instanceof RequestError)) throw error;
    return { refused: error.code, message: error.message };
  });
  return { method, text: unnamed(JSON.stringify(answer), target) };
}

/** The same for any target: names become places, times and counters nothing. */
function unnamed(text: string, { key, sid, runId }: Target): string {
  const placed = text.replaceAll(key, '<key>').replaceAll(sid, '<sid>').replaceAll(runId, '<run>');
  return placed
    .replaceAll(/"(sessionId|entry\.sessionId)":"[^"]*"/g, '"$1":"<id>"')
    .replaceAll(/\d{3,}|"(age|durationMs)":\d+/g, '#')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.#-]+Z/g, '<time>');
}

function everyMethod(stranger: Listener): string[] {
  const listed = stranger.client.hello?.features.methods ?? [];
  const plain = listed.filter((method) => !(method in PROBES));
  return [...plain, ...Object.keys(PROBES)];
}

describe('somebody else', () => {
  test('C-3: learns nothing by any method through either gateway, and changes nothing', async () => {
    const before = await alice.listener.request('chat.history', { sessionKey: alice.target.key });
    const bobs = [await newPerson(admin, 'bob'), await newPerson(admin, 'bert')];
    // the gateway token is no person either
    const tokens = [...bobs.map(({ token }) => token), cluster.token];
    for (const [at, token] of tokens.entries()) {
      using stranger = listen(gateway(at % 2).wsUrl, token);
      await stranger.request('health');
      const none = missing();
      const answers: Answer[] = [];
      for (const method of everyMethod(stranger)) answers.push(...(await compare(stranger, method, none)));
      const unprobed = answers.filter(({ text }) => NAMES_A_SESSION.test(text));
      expect(unprobed, 'a method that names a session needs a probe').toEqual([]);
      const told = JSON.stringify([answers, stranger.events]);
      expect(told).not.toContain(SECRET);
      expect(JSON.stringify(stranger.events)).not.toContain(alice.target.sid);
      // only an administrator is told who holds tokens
      expect(told.includes(alice.person.userId)).toBe(token === cluster.token);
    }
    expect(await alice.listener.request('chat.history', { sessionKey: alice.target.key })).toEqual(before);
    expect(alice.listener.chats(alice.target.runId).filter(({ state }) => state !== 'delta')).toEqual([]);
  }, 60_000);

  test('C-3: learns nothing over HTTP', async () => {
    for (const { url } of cluster.gateways) {
      const bob = await newPerson(admin, `bob-${randomUUID().slice(0, 8)}`);
      const [theirs, none] = [alice.target, missing()];
      for (const [path, body] of HTTP_PROBES) {
        const about = await post(url, bob.token, path, body(theirs), theirs);
        expect(about.text, path).not.toContain(SECRET);
        expect(about, path).toEqual(await post(url, bob.token, path, body(none), none));
      }
      const metrics = await fetch(`${url}/metrics`, {
        headers: { authorization: `Bearer ${bob.token}`, 'x-forwarded-for': '192.0.2.1' },
      });
      expect(metrics.status).toBe(403);
    }
  }, 30_000);
});

/** The answers about hers, each compared with that about nobody's. */
async function compare(stranger: Listener, method: string, none: Target): Promise<Answer[]> {
  const probes = PROBES[method] ?? [() => ({})];
  const answers: Answer[] = [];
  for (const probe of probes) {
    const expected = await ask(stranger, method, probe(none), none);
    const answer = await ask(stranger, method, probe(alice.target), alice.target);
    const label = `${SECRET} label`; // the one probe that has to say it
    expect(answer).toEqual(expected);
    answers.push({ method, text: answer.text.replaceAll(label, '<label>') });
  }
  return answers;
}

const history = [{ role: 'user', content: '#history' }];
const HTTP_PROBES: readonly (readonly [string, Probe])[] = [
  ['/tools/invoke', ({ key }) => ({ tool: 'sessions_history', args: { sessionKey: key } })],
  ['/tools/invoke', ({ key }) => ({ tool: 'session_status', args: { sessionKey: key } })],
  ['/tools/invoke', () => ({ tool: 'sessions_list', args: {} })],
  [
    '/v1/responses',
    ({ sid }) => ({
      model: 'moltbot',
      input: '#history',
      previous_response_id: `resp_${sid.replaceAll('-', '')}_00000000`,
    }),
  ],
  ['/v1/chat/completions', () => ({ model: 'moltbot', messages: history })],
  ['/v1/messages', () => ({ model: 'moltbot', max_tokens: 100, messages: history })],
  ['/v1/responses', () => ({ model: 'moltbot', input: '#history' })],
];

async function post(
  url: string,
  token: string,
  path: string,
  body: unknown,
  target: Target,
): Promise<{ status: number; text: string }> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'anthropic-version': '2023-06-01',
      'x-moltbot-session-key': target.key,
      'idempotency-key': target.runId,
    },
    body: JSON.stringify(body),
  });
  const text = unnamed(await response.text(), target).replaceAll(
    /(chatcmpl|resp|msg)_[0-9a-f#-]+/g,
    '$1_<id>',
  );
  return { status: response.status, text };
}

describe('a revoked token', () => {
  test('C-2: closes its sockets at the other gateway within a second and is refused everywhere', async () => {
    const person = await newPerson(admin, `u-${randomUUID().slice(0, 8)}`);
    const open = cluster.gateways.map(({ wsUrl }) => listen(wsUrl, person.token));
    await Promise.all(open.map((one) => one.request('health')));
    await admin.request('tokens.revoke', { id: person.tokenId });
    const revokedAtMs = Date.now();
    for (const { client } of open)
      await until(() => client.state.status === 'closed', 'a closed socket', 2_000);
    expect(Date.now() - revokedAtMs).toBeLessThan(1_000);
    expect(open.map(({ client }) => client.state.closeCode)).toEqual([1008, 1008]);
    for (const { url, wsUrl } of cluster.gateways) {
      const http = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${person.token}` } });
      expect(http.status).toBe(401);
      using again = listen(wsUrl, person.token);
      await expect(again.request('health')).rejects.toThrow('unauthorized');
    }
  });
});
