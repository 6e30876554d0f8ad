/** Clients that lose their gateway and go on at another one, by the cursor of the last frame they had. */
import { createHash, randomUUID } from 'node:crypto';
import { followSession } from '@moltbot/client';
import { readCursor, type ResumeAnswer } from '@moltbot/shared/contracts';
import { sessionKeys } from '@moltbot/shared/redis';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startCluster, type Cluster, type Gateway } from '../../support/cluster.ts';
import { startCommand } from '../../support/command.ts';
import { openDoor, type Door } from '../../support/door.ts';
import { listen, newPerson, shownText, until, type Listener, type Person } from '../../support/people.ts';
import { inOrder, lasting, type SeenFrame } from './resumed/frames.ts';
import { pausable } from './resumed/pausable.ts';

let cluster: Cluster;
let admin: Listener;
let first: Gateway;
let second: Gateway;
beforeAll(async () => {
  cluster = await startCluster({ gateways: 2, workers: 2, env: { GATEWAY_DRAIN_MS: '500' } });
  [first, second] = cluster.gateways as [Gateway, Gateway];
  admin = listen(second.wsUrl, cluster.token);
}, 90_000);
afterAll(async () => {
  admin?.client.close();
  await cluster?.[Symbol.asyncDispose]();
});

type Traveller = Readonly<{
  person: Person;
  door: Door;
  /** Comes in through the door, and keeps what it is told of the session. */
  one: Listener;
  frames: SeenFrame[];
  answers: ResumeAnswer[];
  /** Sits at the second gateway all the time. */
  witness: Listener;
}>;

const KEY = 'agent:main:main';

/** A new user behind the first gateway, and the same user where nothing happens. */
async function travel(): Promise<Traveller> {
  const person = await newPerson(admin, `u-${randomUUID().slice(0, 8)}`);
  const door = await openDoor([first.port]);
  const [one, witness] = [listen(door.wsUrl, person.token), listen(second.wsUrl, person.token)];
  await Promise.all([one.request('health'), witness.request('health')]);
  const frames: SeenFrame[] = [];
  const answers: ResumeAnswer[] = [];
  followSession(one.client, KEY, {
    frame: (frame) => frames.push(frame as SeenFrame),
    resumed: (answer) => answers.push(answer),
    restarted: () => undefined,
  });
  onTestFinished(async () => {
    one.client.close();
    witness.client.close();
    await door[Symbol.asyncDispose]();
  });
  return { person, door, one, frames, answers, witness };
}

const send = (through: Listener, message: string, runId: string) =>
  through.request('chat.send', { sessionKey: KEY, message, idempotencyKey: runId });
const resume = (through: Listener, cursor: string, sessionKey = KEY) =>
  through.request<ResumeAnswer>('chat.resume', { sessionKey, cursor });
const counted = (tokens: number): string => Array.from({ length: tokens }, (_, at) => `t${at + 1}`).join(' ');
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const finals = (frames: readonly SeenFrame[]): SeenFrame[] =>
  frames.filter(({ payload }) => payload.state === 'final');
const witnessed = ({ events }: Listener): SeenFrame[] =>
  events.filter(({ event }) => event === 'chat' || event === 'agent') as unknown as SeenFrame[];

/** Exactly what the witness saw, thinned text aside; and the text is the model's to the byte. */
function expectWhole({ frames, witness }: Traveller, texts: readonly string[]): void {
  expect(lasting(frames)).toEqual(lasting(witnessed(witness)));
  expect(inOrder(frames)).toEqual([]);
  expect(finals(frames).map(({ payload }) => sha256(shownText(payload)))).toEqual(texts.map(sha256));
}

test.for([
  ['SIGKILL', [1006]],
  ['SIGTERM', [1012]],
] as const)(
  'T-6, T-7: a client whose gateway gets %s in mid-answer goes on at the other, every frame once and in order',
  async ([signal, codes]) => {
    const traveller = await travel();
    const { door, one, frames, answers, witness } = traveller;
    const lost: (number | undefined)[] = [];
    one.client.on('state', ({ status, closeCode }) => status === 'waiting' && lost.push(closeCode));
    const runId = randomUUID();
    await send(one, '#think #tokens 250 #delay 20', runId);
    await until(() => frames.filter(({ payload }) => payload.stream === 'assistant').length > 10, 'words');
    door.point([second.port]);
    await first.signal(signal);
    onTestFinished(async () => await first.start());
    await witness.end(runId);
    await until(() => finals(frames).length > 0, 'the end after the reconnect');
    expect(lost).toEqual(codes);
    expect(answers.map(({ gap }) => gap)).toEqual([false]);
    expectWhole(traveller, [counted(250)]);
  },
);

test('T-6: a client that is away while several runs end is told all of them, in order', async () => {
  const traveller = await travel();
  const { door, one, frames, answers, witness } = traveller;
  const texts = [counted(3), ...Array.from({ length: 4 }, (_, at) => `answer ${at} 你好`)];
  const runIds = texts.map(() => randomUUID());
  await send(one, '#tokens 3', runIds[0] ?? '');
  await until(() => finals(frames).length === 1, 'the first end');
  door.point([]);
  await first.signal('SIGKILL');
  onTestFinished(async () => await first.start());
  await until(() => one.client.state.status !== 'open', 'the loss');
  for (const [at, text] of texts.entries())
    if (at > 0) await send(witness, `#think #echo ${text}`, runIds[at] ?? '');
  await witness.end(runIds.at(-1) ?? '');
  door.point([second.port]);
  one.client.reconnect();
  await until(() => answers.length > 0, 'the answer');
  expect(answers[0]).toMatchObject({ gap: false, runs: [] });
  expectWhole(traveller, texts);
  expect(finals(frames).map(({ payload }) => payload.runId)).toEqual(runIds);
});

test('T-6: a cursor that is gone, or of a generation that is gone, gets a snapshot', async () => {
  const { frames, one, witness } = await travel();
  const [ended, live, waiting] = [randomUUID(), randomUUID(), randomUUID()];
  await send(one, '#tokens 3', ended);
  await until(() => finals(frames).length === 1, 'the end of the first');
  await send(one, '#fault endless', live);
  await send(one, '#tokens 3', waiting);
  const early = finals(frames)[0]?.payload.cursor ?? '';
  const { sid = '', place: [fence = 0, n = 0] = [] } = readCursor(early) ?? {};
  expect(await resume(witness, early)).toMatchObject({ gap: false, sessionId: sid });
  await cluster.redis.xtrim(sessionKeys.events(sid), 'MINID', `${fence}-${n + 1}`);

  const snapshot = await until(async () => {
    const answer = await resume(witness, early);
    return answer.runs.some(({ text }) => text.length > 20) && answer;
  }, 'some text');
  expect(snapshot).toMatchObject({ gap: true, frames: [], sessionId: sid });
  expect(snapshot.runs.map(({ runId, state }) => [runId, state])).toEqual([
    [live, 'running'],
    [waiting, 'waiting'],
  ]);
  // the snapshot's own cursor goes on without a gap
  const rest = await until(async () => {
    const answer = await resume(witness, snapshot.cursor);
    return answer.frames.length > 0 && answer;
  }, 'more text');
  expect(rest.gap).toBe(false);
  await one.request('chat.abort', { sessionKey: KEY });
  await one.end(waiting);
  const { entry } = await one.request<{ entry: { sessionId: string } }>('sessions.reset', { key: KEY });
  expect(await resume(witness, rest.cursor)).toMatchObject({
    gap: true,
    frames: [],
    runs: [],
    sessionId: entry.sessionId,
  });
});

test('T-6: what is no cursor is refused, and a stranger learns nothing by one', async () => {
  const [mine, theirs] = [await travel(), await travel()];
  const runId = randomUUID();
  await send(mine.one, '#echo mine alone', runId);
  await mine.one.end(runId);
  const cursor = await until(() => mine.frames[0]?.payload.cursor, 'a cursor');
  const missing = { gap: true, frames: [], runs: [], cursor }; // their own word, sent back
  expect(await resume(theirs.one, cursor)).toEqual({ sessionKey: KEY, ...missing });
  expect(await resume(theirs.one, cursor, 'never used')).toEqual({ sessionKey: 'never used', ...missing });
  for (const bad of ['x', 'main/1', `${cursor}; drop`, `${cursor}/..`, '/1-1', `a/${'9'.repeat(40)}-1`])
    await expect(resume(mine.one, bad)).rejects.toMatchObject({ code: 'INVALID_REQUEST', retryable: false });
});

test('T-6, T-7: the answer at a terminal is printed once and whole, though its gateway is killed', async () => {
  const person = await newPerson(admin, `u-${randomUUID().slice(0, 8)}`);
  await using door = await openDoor([first.port]);
  const env = { HOME: '/nonexistent', MOLTBOT_GATEWAY_URL: door.wsUrl, MOLTBOT_GATEWAY_TOKEN: person.token };
  const command = startCommand(['agent', '--message', '#tokens 150 #delay 30'], env);
  await until(() => command.out().startsWith('t1 t2 t3 '), 'its first words');
  door.point([second.port]);
  await first.signal('SIGKILL');
  onTestFinished(async () => await first.start());
  const dying = command.out().length;
  const { code, out, err } = await command.ended;
  expect([code, err]).toEqual([0, '']);
  expect(sha256(out)).toBe(sha256(`${counted(150)}\n`));
  expect(dying).toBeLessThan(out.length);
});

test('T-6: a client that does not read is sent away with 1013, and its last cursor brings the rest exactly', async () => {
  const person = await newPerson(admin, `u-${randomUUID().slice(0, 8)}`, 'admin');
  using writer = listen(second.wsUrl, person.token);
  const hello = randomUUID();
  await send(writer, '#echo hello', hello);
  await writer.end(hello);
  await using reader = await pausable(first.port, person.token);
  reader.wire.pause();
  const texts = Array.from({ length: 40 }, (_, at) => `${at} `.padEnd(250_000, `${at}x`));
  for (const message of texts) await writer.request('chat.inject', { sessionKey: KEY, message });
  reader.wire.resume();
  const { code, reason } = await reader.closed;
  expect([code, reason]).toEqual([1013, expect.stringMatching(/^slow consumer; cursor=\S+$/)]);
  const before = notesOf(reader.frames);
  expect(before.length).toBeLessThan(texts.length);
  const rest = await resume(writer, reason.split('=')[1] ?? '');
  expect(rest.gap).toBe(false);
  const after = notesOf(rest.frames as unknown as SeenFrame[]);
  expect([...before, ...after].map(sha256)).toEqual(texts.map(sha256));
});

const notesOf = (frames: readonly SeenFrame[]): string[] =>
  finals(frames).flatMap(({ payload }) => (payload.runId.startsWith('inject-') ? [shownText(payload)] : []));
