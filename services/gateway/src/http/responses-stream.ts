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

export type ResponseStream = Readonly<{
  delta(text: string): void;
  finish(answer: Answer): void;
  fail(error: AppError): void;
}>;

/** The events of one streamed response, in the order the openai SDK rebuilds it from. */
export function openResponseStream(sse: Sse, head: ResponseHead): ResponseStream {
  const output: OutputItem[] = [];
  let sequence = 0;
  let text = '';
  let messageId: string | undefined;
  const send = (type: string, fields: Readonly<Record<string, unknown>>): void => {
    sse.event(type, { type, sequence_number: sequence, ...fields });
    sequence += 1;
  };
  const openMessage = (): string => {
    const id = newId('msg');
    send('response.output_item.added', { output_index: 0, item: messageItem(id, 'in_progress') });
    send('response.content_part.added', {
      item_id: id,
      output_index: 0,
      content_index: 0,
      part: textPart(''),
    });
    return id;
  };
  const closeMessage = (id: string, status: 'completed' | 'incomplete'): void => {
    const at = { item_id: id, output_index: 0, content_index: 0 };
    send('response.output_text.done', { ...at, text, logprobs: [] });
    send('response.content_part.done', { ...at, part: textPart(text) });
    done(messageItem(id, status, text));
  };
  const sendCall = (call: ToolCall): void => {
    const id = newId('fc');
    const at = { item_id: id, output_index: output.length };
    const args = JSON.stringify(call.input);
    send('response.output_item.added', {
      output_index: output.length,
      item: callItem(id, 'in_progress', call, ''),
    });
    send('response.function_call_arguments.delta', { ...at, delta: args });
    send('response.function_call_arguments.done', { ...at, name: call.name, arguments: args });
    done(callItem(id, 'completed', call, args));
  };
  const done = (item: OutputItem): void => {
    send('response.output_item.done', { output_index: output.length, item });
    output.push(item);
  };

  const begun = responseObject(head, 'in_progress', []);
  send('response.created', { response: begun });
  send('response.in_progress', { response: begun });
  return {
    delta: (piece) => {
      messageId ??= openMessage();
      text += piece;
      send('response.output_text.delta', {
        item_id: messageId,
        output_index: 0,
        content_index: 0,
        delta: piece,
        logprobs: [],
      });
    },
    finish: (answer) => {
      if (answer.calls.length === 0) messageId ??= openMessage();
      if (messageId !== undefined)
        closeMessage(messageId, answer.stop === 'length' ? 'incomplete' : 'completed');
      for (const call of answer.calls) sendCall(call);
      const response = finishedResponse(head, answer, output);
      send(answer.stop === 'length' ? 'response.incomplete' : 'response.completed', { response });
      sse.end('data: [DONE]\n\n');
    },
    fail: (error) => {
      const partial = messageId === undefined ? [] : [messageItem(messageId, 'incomplete', text)];
      send('response.failed', { response: failedResponse(head, error, partial) });
      sse.end();
    },
  };
}
