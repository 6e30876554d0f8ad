import type { AppError } from '@moltbot/shared/errors';
import type { ResponseHead } from '../domain/response-note.ts';
import type { Answer, ToolCall } from './answer.ts';
import type { RunSink } from './append-only.ts';
import {
  callId,
  callItem,
  failedResponse,
  finishedResponse,
  messageId,
  messageItem,
  partialOutput,
  responseObject,
  textPart,
  type OutputItem,
} from './responses-shape.ts';
import type { Sse } from './sse.ts';

/**
 * The events of one streamed response, in the order the openai SDK rebuilds it from. A piece of text has the
 * number of its last character, so the same text has the same numbers however it was cut into pieces.
 * What has a number up to `after` is not sent, also of a piece.
 */
export class ResponseStream {
  readonly #sse: Sse;
  readonly #head: ResponseHead;
  readonly #after: number;
  readonly #output: OutputItem[] = [];
  #sequence = 0;
  #begun = false;
  #text = '';
  #talking = false;

  constructor(sse: Sse, head: ResponseHead, after = -1) {
    this.#sse = sse;
    this.#head = head;
    this.#after = after;
    const response = responseObject(head, head.background ? 'queued' : 'in_progress', []);
    this.#send('response.created', { response });
    if (head.background) this.#send('response.queued', { response });
    else this.begun();
  }

  /** A worker has it. Said once, whatever says so first. */
  begun(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#send('response.in_progress', { response: responseObject(this.#head, 'in_progress', []) });
  }

  delta(piece: string): void {
    this.begun();
    const at = this.#messageAt();
    this.#text += piece;
    const unseen = piece.slice(Math.max(0, this.#after + 1 - this.#sequence));
    this.#sequence += piece.length - 1;
    this.#send('response.output_text.delta', { ...at, delta: unseen, logprobs: [] });
  }

  finish(answer: Answer): void {
    this.begun();
    const cut = answer.stop === 'length';
    if (answer.calls.length === 0 || this.#talking) this.#closeMessage(cut ? 'incomplete' : 'completed');
    for (const [index, call] of answer.calls.entries()) this.#call(call, index);
    const response = finishedResponse(this.#head, answer, this.#output);
    this.#send(cut ? 'response.incomplete' : 'response.completed', { response });
    this.#sse.end('data: [DONE]\n\n');
  }

  /** What was said so far is marked incomplete, and no `[DONE]` follows. */
  fail(error: AppError): void {
    this.begun();
    const partial = partialOutput(this.#head, this.#text, 'incomplete');
    this.#send('response.failed', { response: failedResponse(this.#head, error, partial) });
    this.#sse.end();
  }

  #send(type: string, fields: Readonly<Record<string, unknown>>): void {
    const number = this.#sequence;
    this.#sequence += 1;
    if (number > this.#after) this.#sse.event(type, { type, sequence_number: number, ...fields });
  }

  /** The message comes before any call, so it is always the first item; it opens with the first text. */
  #messageAt(): { item_id: string; output_index: 0; content_index: 0 } {
    const id = messageId(this.#head);
    const at = { item_id: id, output_index: 0, content_index: 0 } as const;
    if (this.#talking) return at;
    this.#talking = true;
    this.#send('response.output_item.added', { output_index: 0, item: messageItem(id, 'in_progress') });
    this.#send('response.content_part.added', { ...at, part: textPart('') });
    return at;
  }

  #closeMessage(status: 'completed' | 'incomplete'): void {
    const at = this.#messageAt();
    this.#send('response.output_text.done', { ...at, text: this.#text, logprobs: [] });
    this.#send('response.content_part.done', { ...at, part: textPart(this.#text) });
    this.#done(messageItem(at.item_id, status, this.#text));
  }

  #call(call: ToolCall, index: number): void {
    const at = { item_id: callId(this.#head, index), output_index: this.#output.length };
    const args = JSON.stringify(call.input);
    this.#send('response.output_item.added', {
      output_index: at.output_index,
      item: callItem(at.item_id, 'in_progress', call, ''),
    });
    this.#send('response.function_call_arguments.delta', { ...at, delta: args });
    this.#send('response.function_call_arguments.done', { ...at, name: call.name, arguments: args });
    this.#done(callItem(at.item_id, 'completed', call, args));
  }

  #done(item: OutputItem): void {
    this.#send('response.output_item.done', { output_index: this.#output.length, item });
    this.#output.push(item);
  }
}

/** What followRun says, as events of the stream that `begin` opens. */
export function responseSink(begin: () => ResponseStream): RunSink {
  return {
    accepted: () => void begin(),
    begun: () => begin().begun(),
    delta: (text) => begin().delta(text),
  };
}
