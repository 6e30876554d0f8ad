import { composeAnswer, spoilt } from '../domain/answer.ts';
import { question, type Ask } from '../domain/ask.ts';
import { Refusal } from '../domain/refusal.ts';
import { imageTokens, inputTokens } from '../domain/tokens.ts';
import { faultFor, type Call } from '../http/context.ts';
import { deliveryOf, withheld } from '../http/delivery.ts';
import { sendWholeAnswer } from '../http/whole-answer.ts';
import { parseChatRequest } from './parse.ts';
import { completionBody, streamCompletion } from './wire.ts';

export async function postChatCompletions({ res, body, model }: Call): Promise<void> {
  const { ask, includeUsage } = parseChatRequest(body);
  const composed = composeAnswer(ask);
  const fault = faultFor(model, ask.model, composed, question(ask).lastText);
  if (await withheld(res, fault)) return;
  const answer = spoilt(composed, fault);
  if (fault?.kind === 'overloaded' && !ask.stream) throw new Refusal(503, 'The server is overloaded');
  const head = {
    id: `chatcmpl-demo-${model.nextId()}`,
    model: ask.model,
    createdAtSeconds: Math.floor(Date.now() / 1000),
    promptTokens: promptTokens(ask),
    includeUsage,
  };
  const delayMs = answer.directives.delayMs ?? model.tokenDelayMs;
  if (ask.stream) return streamCompletion(res, head, answer, deliveryOf(fault, delayMs));
  return sendWholeAnswer(res, completionBody(head, answer), answer.tokens.length, fault, delayMs);
}

function promptTokens(ask: Ask): number {
  const characters = ask.messages.reduce((sum, message) => sum + message.text.length, ask.system.length);
  const images = ask.messages.flatMap((message) => message.images);
  return inputTokens(characters) + images.reduce((sum, image) => sum + imageTokens(image.sizeBytes), 0);
}
