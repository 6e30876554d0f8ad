import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Person } from '../../support/people.ts';
import { judgeText, newDiary, watchSilence, type Actor, type LiveTurn } from './actor.ts';

const RETRY_MS = 200;
const ANSWER_WITHIN_MS = 30_000;

/** A program that streams `/v1/chat/completions`, and after a break goes on by `Last-Event-ID`. */
export function completionsActor(url: string, person: Person, name: string): Actor {
  const diary = newDiary(person.userId, `agent:main:openai-user:${name}`);
  return {
    diary,
    say: async (turn) => {
      Object.assign(turn, { runId: randomUUID() });
      diary.turns.push(turn);
      const silence = watchSilence();
      const heard: Heard = { text: '', lastEventId: '', end: undefined, brokeAtMs: undefined };
      while (heard.end === undefined) {
        await hear(url, person, name, turn, heard, () => {
          silence.sign();
          if (heard.brokeAtMs !== undefined) diary.absencesMs.push(Date.now() - heard.brokeAtMs);
          heard.brokeAtMs = undefined;
        }).catch(() => undefined); // the connection broke, or there was none
        if (heard.end !== undefined) break;
        heard.brokeAtMs ??= Date.now();
        await sleep(RETRY_MS);
      }
      diary.silencesMs.push(silence.longestMs());
      judgeText(diary, turn, heard.text, heard.end === 'whole');
    },
    [Symbol.asyncDispose]: async () => await Promise.resolve(),
  };
}

type Heard = {
  text: string;
  lastEventId: string;
  end: 'whole' | 'broken' | undefined;
  brokeAtMs: number | undefined;
};

async function hear(
  url: string,
  person: Person,
  name: string,
  { runId, text }: LiveTurn,
  heard: Heard,
  onSign: () => void,
): Promise<void> {
  const stop = new AbortController();
  const late = setTimeout(() => stop.abort(), ANSWER_WITHIN_MS);
  try {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      signal: stop.signal,
      headers: {
        authorization: `Bearer ${person.token}`,
        'idempotency-key': runId,
        ...(heard.lastEventId !== '' && { 'last-event-id': heard.lastEventId }),
      },
      body: JSON.stringify({
        model: 'moltbot',
        user: name,
        stream: true,
        messages: [{ role: 'user', content: text }],
      }),
    });
    if (!response.ok || response.body === null) return await refused(response, heard);
    let rest = '';
    for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
      late.refresh();
      const blocks = (rest + piece).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) take(block, heard);
      onSign();
    }
  } finally {
    clearTimeout(late);
  }
}

/** The turn has failed and says so, or the place to go on from is gone: then from the beginning. */
async function refused(response: Response, heard: Heard): Promise<void> {
  await response.body?.cancel();
  if (response.status !== 409) return; // not now: again
  if (heard.lastEventId === '') heard.end = 'broken';
  else Object.assign(heard, { text: '', lastEventId: '' });
}

function take(block: string, heard: Heard): void {
  const field = (label: string): string | undefined =>
    block
      .split('\n')
      .find((line) => line.startsWith(`${label}: `))
      ?.slice(label.length + 2);
  const data = field('data');
  if (data === undefined) return;
  if (data === '[DONE]') {
    heard.end = 'whole';
    return;
  }
  const chunk = JSON.parse(data) as Chunk;
  if (chunk.error !== undefined) {
    if (chunk.error.code !== 'unavailable') heard.end = 'broken'; // else the stream broke, not the turn
    return;
  }
  heard.text += chunk.choices?.[0]?.delta?.content ?? '';
  heard.lastEventId = field('id') ?? heard.lastEventId;
}

type Chunk = { error?: { code: string }; choices?: { delta?: { content?: string } }[] };
