import type { AppError } from '@moltbot/shared/errors';
import type { Answer, ToolCall } from './answer.ts';
import {
  callItem,
  failedResponse,
  finishedResponse,
  messageItem,
  newId,
  responseObject,
  textPart,
  type OutputItem,
  type ResponseHead,
} from './responses-shape.ts';
import type { Sse } from './sse.ts';

/** The events of one streamed response, in the order the openai SDK rebuilds it from. */
export class ResponseStream {
  readonly #sse: Sse;
  readonly #head: ResponseHead;
  readonly #output: OutputItem[] = [];
  #sequence = 0;
  #text = '';
  #messageId: string | undefined;

  constructor(sse: Sse, head: ResponseHead) {
    this.#sse = sse;
    this.#head = head;
    const response = responseObject(head, 'in_progress', []);
    this.#send('response.created', { response });
    this.#send('response.in_progress', { response });
  }

  delta(piece: string): void {
    const at = this.#messageAt();
    this.#text += piece;
    this.#send('response.output_text.delta', { ...at, delta: piece, logprobs: [] });
  }

  finish(answer: Answer): void {
    const cut = answer.stop === 'length';
    if (answer.calls.length === 0 || this.#messageId !== undefined)
      this.#closeMessage(cut ? 'incomplete' : 'completed');
    for (const call of answer.calls) this.#call(call);
    const response = finishedResponse(this.#head, answer, this.#output);
    this.#send(cut ? 'response.incomplete' : 'response.completed', { response });
    this.#sse.end('data: [DONE]\n\n');
  }

  /** What was said so far is marked incomplete, and no `[DONE]` follows. */
  fail(error: AppError): void {
    const partial =
      this.#messageId === undefined ? [] : [messageItem(this.#messageId, 'incomplete', this.#text)];
    this.#send('response.failed', { response: failedResponse(this.#head, error, partial) });
    this.#sse.end();
  }

  #send(type: string, fields: Readonly<Record<string, unknown>>): void {
    this.#sse.event(type, { type, sequence_number: this.#sequence, ...fields });
    this.#sequence += 1;
  }

  /** The message comes before any call, so it is always the first item; it opens with the first text. */
  #messageAt(): { item_id: string; output_index: 0; content_index: 0 } {
    const id = this.#messageId ?? newId('msg');
    const at = { item_id: id, output_index: 0, content_index: 0 } as const;
    if (this.#messageId !== undefined) return at;
    this.#messageId = id;
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

  #call(call: ToolCall): void {
    const at = { item_id: newId('fc'), output_index: this.#output.length };
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
