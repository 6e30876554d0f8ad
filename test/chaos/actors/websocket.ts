import { createChat, type ChatSnapshot } from '@moltbot/client';
import { createNodeClient } from '@moltbot/client/node';
import { shownText, type ChatPayload, type Person } from '../../support/people.ts';
import { judgeText, newDiary, watchSilence, type Actor, type Diary, type LiveTurn } from './actor.ts';

const CLIENT = { id: 'test', mode: 'test', version: '1', platform: 'linux' } as const;

/** A person at the page, without the page: what `packages/client` shows is what is checked. */
export function webSocketActor(wsUrl: string, person: Person, key: string): Actor {
  const diary = newDiary(person.userId, key);
  const client = createNodeClient({ url: wsUrl, token: person.token, client: CLIENT });
  const chat = createChat(client, key);
  let awaySinceMs: number | undefined;
  let done = false;
  client.on('state', ({ status, reason, closeCode }) => {
    if (status === 'closed' && !done)
      diary.faults.push(`${person.userId} was turned away: ${closeCode} ${reason}`);
    if (status === 'waiting') awaySinceMs ??= Date.now();
    if (status !== 'open' || awaySinceMs === undefined) return;
    diary.absencesMs.push(Date.now() - awaySinceMs);
    awaySinceMs = undefined;
  });
  client.on('event', ({ event, payload }) => {
    if (event === 'chat' || event === 'agent')
      rememberEnd(diary, client.hello?.server.connId ?? '', payload as ChatPayload);
  });
  return {
    diary,
    say: async (turn) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const silence = watchSilence();
      let shown = '';
      const look = (): void => {
        const snapshot = chat.getSnapshot();
        const now = lookOf(snapshot, turn.runId);
        if (now !== shown) silence.sign();
        shown = now;
        judgeRunning(diary, turn, snapshot);
        if (hasEnded(snapshot, turn.runId)) resolve();
        const own = snapshot.messages.find(({ runId, role }) => runId === turn.runId && role === 'user');
        if (own?.status === 'failed') chat.retry(turn.runId);
      };
      Object.assign(turn, { runId: chat.send(turn.text) });
      diary.turns.push(turn);
      const unsubscribe = chat.subscribe(look);
      look();
      await promise;
      unsubscribe();
      diary.silencesMs.push(silence.longestMs());
      judgeEnd(diary, turn, chat.getSnapshot());
    },
    [Symbol.asyncDispose]: async () => {
      judgeOrder(diary, chat.getSnapshot());
      done = true;
      chat.close();
      client.close();
      await Promise.resolve();
    },
  };
}

function rememberEnd(diary: Diary, connection: string, chat: ChatPayload): void {
  const turn = diary.turns.find(({ runId }) => runId === chat.runId);
  if (turn === undefined)
    diary.faults.push(`${diary.userId} was told of run ${chat.runId}, which is not theirs`);
  else if (chat.state !== undefined && chat.state !== 'delta')
    turn.seenEnds.push({ connection, state: chat.state, text: shownText(chat) });
}

const lookOf = ({ runs, messages }: ChatSnapshot, runId: string): string => {
  const run = runs.find((one) => one.runId === runId);
  const own = messages.find((one) => one.runId === runId);
  return `${own?.status} ${run?.phase} ${run?.text.length}`;
};

const answersOf = ({ messages }: ChatSnapshot, runId: string) =>
  messages.filter((message) => message.runId === runId && message.role === 'assistant');

const hasEnded = (snapshot: ChatSnapshot, runId: string): boolean =>
  answersOf(snapshot, runId).length > 0 && !snapshot.runs.some((run) => run.runId === runId);

function judgeRunning(diary: Diary, { runId, answer }: LiveTurn, { runs }: ChatSnapshot): void {
  for (const run of runs) {
    if (run.runId === runId && !answer.startsWith(run.text))
      diary.faults.push(`${runId}: the page showed "${run.text}"`);
  }
}

function judgeEnd(diary: Diary, turn: LiveTurn, snapshot: ChatSnapshot): void {
  const answers = answersOf(snapshot, turn.runId);
  if (answers.length !== 1) diary.faults.push(`${turn.runId}: the page shows ${answers.length} answers`);
  const [answer] = answers;
  const whole =
    answer?.errorMessage === undefined && !['error', 'aborted'].includes(answer?.stopReason ?? '');
  judgeText(diary, turn, answer?.text ?? '', whole);
}

/** As the page shows it at last: every message once, each with its answer behind it. */
function judgeOrder(diary: Diary, { messages }: ChatSnapshot): void {
  const shown = messages.map(({ role, runId }) => `${role} ${runId}`);
  const said = diary.turns.flatMap(({ runId }) => [`user ${runId}`, `assistant ${runId}`]);
  const expected = said.slice(-shown.length);
  if (JSON.stringify(shown) !== JSON.stringify(expected))
    diary.faults.push(
      `${diary.userId}: the page shows ${shown.join(', ')} instead of ${expected.join(', ')}`,
    );
}
