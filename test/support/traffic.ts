/**
 * Many users who write at once and never give up: a message is sent again, under the same
 * idempotency key, until the product has said that it took it, and remembered as the ledger
 * checker wants it.
 */
import { RequestError } from '@moltbot/client';
import type { SeenEnd, SentSession, SentTurn } from './ledger-checker.ts';
import { listen, shownText, until, type ChatPayload, type Listener, type Person } from './people.ts';

export type TrafficOptions = Readonly<{
  wsUrl: string;
  people: readonly Person[];
  sessionsEach: number;
  turnsEach: number;
  /** Messages of one session that may wait or run at once. */
  window: number;
  /** Pause between two words of an answer. */
  delayMs(): number;
}>;

export type Traffic = Disposable &
  Readonly<{
    sessions: readonly SentSession[];
    total: number;
    accepted(): number;
    ended(): number;
    /** Resolves when every message has been taken and has ended. */
    done: Promise<void>;
  }>;

type LiveTurn = SentTurn & { seenEnds: SeenEnd[] };
type LiveSession = SentSession & { turns: LiveTurn[] };

const RETRY_MS = 50;
const ANSWER_WITHIN_MS = 5_000;
/** Longer than any recovery takes: a product that is gone for good is a failure, not a wait. */
const TAKEN_WITHIN_MS = 60_000;

export function startTraffic(options: TrafficOptions): Traffic {
  const { people, sessionsEach, turnsEach } = options;
  const counts = { ended: 0 };
  const stop = new AbortController();
  const listeners: Listener[] = [];
  const sessions = people.flatMap((person) => {
    const listener = listen(options.wsUrl, person.token);
    listeners.push(listener);
    const own = Array.from({ length: sessionsEach }, (_, at): LiveSession => {
      return { userId: person.userId, key: `agent:main:s${at}`, turns: [] };
    });
    rememberEnds(listener, own);
    return own.map((session) => ({ session, listener }));
  });
  const sent = Promise.all(
    sessions.map(async ({ session, listener }) => {
      for (let at = 0; at < turnsEach; at += 1) {
        await takeTurn(session, listener, at, options, stop.signal, () => void (counts.ended += 1));
      }
    }),
  );
  const total = sessions.length * turnsEach;
  const all = sessions.map(({ session }) => session);
  const accepted = (): number => all.reduce((sum, { turns }) => sum + turns.length, 0);
  const done = sent.then(async () => {
    await until(() => counts.ended === total || stop.signal.aborted, 'every turn has ended', 60_000);
  });
  done.catch(() => undefined); // heard by whoever waits for it
  return {
    sessions: all,
    total,
    accepted,
    ended: () => counts.ended,
    done,
    [Symbol.dispose]: () => {
      stop.abort();
      for (const { client } of listeners) client.close();
    },
  };
}

/** Sends one message until it is taken, then waits until few enough of its session are open. */
async function takeTurn(
  session: LiveSession,
  listener: Listener,
  at: number,
  { window, delayMs }: TrafficOptions,
  stop: AbortSignal,
  onEnd: () => void,
): Promise<void> {
  const runId = `${session.userId}-${session.key}-${at}`;
  const answer = `answer ${at} of ${session.key} for ${session.userId}: one two three four five six`;
  const text = `#delay ${delayMs()} #echo ${answer}`;
  const turn: LiveTurn = { runId, text, answer, seenEnds: [] };
  session.turns.push(turn); // before the answer: an end may be heard first
  const params = { sessionKey: session.key, message: text, idempotencyKey: runId };
  await insist(listener, 'chat.send', params, stop);
  const ended = waitForEnd(listener, runId, stop).then(onEnd);
  ended.catch(() => undefined); // the next turns wait for it
  const open = openOf(session);
  open.push(ended);
  if (open.length >= window) await open.shift();
}

const opened = new WeakMap<LiveSession, Promise<void>[]>();
function openOf(session: LiveSession): Promise<void>[] {
  const known = opened.get(session) ?? [];
  opened.set(session, known);
  return known;
}

async function waitForEnd(listener: Listener, runId: string, stop: AbortSignal): Promise<void> {
  for (;;) {
    const params = { runId, timeoutMs: ANSWER_WITHIN_MS - 1_000 };
    const { status } = await insist(listener, 'agent.wait', params, stop);
    if (status !== 'timeout') return;
  }
}

/** A refusal that will not change is the test's failure; everything else is tried again. */
async function insist(
  listener: Listener,
  method: string,
  params: unknown,
  stop: AbortSignal,
): Promise<{ status?: string }> {
  const deadlineMs = Date.now() + TAKEN_WITHIN_MS;
  for (;;) {
    try {
      return await listener.request(method, params, ANSWER_WITHIN_MS);
    } catch (error) {
      if (stop.aborted || !(error instanceof RequestError) || !error.retryable) throw error;
      if (Date.now() > deadlineMs) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

function rememberEnds({ client }: Listener, sessions: readonly LiveSession[]): void {
  client.on('event', ({ event, payload }) => {
    const chat = payload as ChatPayload;
    if (event !== 'chat' || chat.state === 'delta') return;
    const turn = sessions.flatMap(({ turns }) => turns).find(({ runId }) => runId === chat.runId);
    const connection = client.hello?.server.connId ?? '';
    turn?.seenEnds.push({ connection, state: chat.state, text: shownText(chat) });
  });
}
