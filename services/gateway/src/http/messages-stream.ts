import type { AppError } from '@moltbot/shared/errors';
import type { Answer } from './answer.ts';
import { anthropicError, anthropicUsage, emptyMessage, stopReason } from './messages-shape.ts';
import type { Sse } from './sse.ts';

export type MessageStream = Readonly<{
  /** `cursor`: the run's event that said it. */
  delta(text: string, cursor: string): void;
  finish(answer: Answer, cursor: string): void;
  fail(error: AppError): void;
}>;

/** The events of one streamed message, in the order the Anthropic SDK rebuilds it from. */
export function openMessageStream(sse: Sse, model: string): MessageStream {
  let index = 0;
  let talking = false;
  const send = (type: string, fields: Readonly<Record<string, unknown>> = {}): void =>
    sse.event(type, { type, ...fields });
  const start = (block: unknown): void => send('content_block_start', { index, content_block: block });
  const grow = (delta: unknown): void => send('content_block_delta', { index, delta });
  const stop = (): void => {
    send('content_block_stop', { index });
    index += 1;
  };

  send('message_start', { message: emptyMessage(model) });
  send('ping');
  return {
    delta: (text, cursor) => {
      sse.at(cursor);
      if (!talking) start({ type: 'text', text: '', citations: null });
      talking = true;
      grow({ type: 'text_delta', text });
    },
    finish: (answer, cursor) => {
      sse.at(cursor);
      if (talking) stop();
      for (const { id, name, input } of answer.calls) {
        start({ type: 'tool_use', id, name, input: {} });
        grow({ type: 'input_json_delta', partial_json: JSON.stringify(input) });
        stop();
      }
      send('message_delta', {
        delta: { stop_reason: stopReason(answer), stop_sequence: null },
        usage: anthropicUsage(answer),
      });
      send('message_stop');
      sse.end();
    },
    fail: (error) => {
      sse.end(`event: error\ndata: ${JSON.stringify(anthropicError(error))}\n\n`);
    },
  };
}
