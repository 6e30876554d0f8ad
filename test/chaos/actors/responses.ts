import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';
import type { Person } from '../../support/people.ts';
import { judgeText, newDiary, watchSilence, type Actor, type LiveTurn } from './actor.ts';

const RETRY_MS = 200;

type Heard = { id: string; sequence: number; text: string; end: 'whole' | 'broken' | undefined };

/** A program with the openai SDK that streams `/v1/responses`, and after a break goes on by `starting_after`. */
export function responsesActor(url: string, person: Person, name: string): Actor {
  const diary = newDiary(person.userId, `agent:main:openresponses-user:${name}`);
  const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: person.token, maxRetries: 0, timeout: 30_000 });
  return {
    diary,
    say: async (turn) => {
      Object.assign(turn, { runId: randomUUID() });
      diary.turns.push(turn);
      const silence = watchSilence();
      const heard: Heard = { id: '', sequence: -1, text: '', end: undefined };
      let brokeAtMs: number | undefined;
      while (heard.end === undefined) {
        try {
          for await (const event of await open(openai, name, turn, heard)) {
            silence.sign();
            if (brokeAtMs !== undefined) diary.absencesMs.push(Date.now() - brokeAtMs);
            brokeAtMs = undefined;
            if (event.sequence_number <= heard.sequence)
              diary.faults.push(`${turn.runId}: event ${event.sequence_number} after ${heard.sequence}`);
            take(event, heard);
          }
        } catch {
          // the connection broke, or there was none; it is tried again
        }
        if (heard.end !== undefined) break;
        brokeAtMs ??= Date.now();
        await sleep(RETRY_MS);
      }
      diary.silencesMs.push(silence.longestMs());
      judgeText(diary, turn, heard.text, heard.end === 'whole');
    },
    [Symbol.asyncDispose]: async () => await Promise.resolve(),
  };
}

async function open(
  openai: OpenAI,
  name: string,
  { runId, text }: LiveTurn,
  { id, sequence }: Heard,
): Promise<AsyncIterable<OpenAI.Responses.ResponseStreamEvent>> {
  if (id !== '') return await openai.responses.retrieve(id, { stream: true, starting_after: sequence });
  return await openai.responses.create(
    { model: 'moltbot', user: name, input: text, stream: true },
    { headers: { 'idempotency-key': runId } },
  );
}

function take(event: OpenAI.Responses.ResponseStreamEvent, heard: Heard): void {
  heard.sequence = event.sequence_number;
  if (event.type === 'response.created') heard.id = event.response.id;
  if (event.type === 'response.output_text.delta') heard.text += event.delta;
  if (event.type === 'response.completed') heard.end = 'whole';
  if (event.type === 'response.failed' || event.type === 'response.incomplete') heard.end = 'broken';
}
