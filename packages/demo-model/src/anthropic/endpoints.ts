import { composeAnswer, spoilt } from '../domain/answer.ts';
import { question } from '../domain/ask.ts';
import type { JsonObject } from '../domain/json.ts';
import { invalid, Refusal } from '../domain/refusal.ts';
import { sendJson } from '../http/body.ts';
import { faultFor, type Call } from '../http/context.ts';
import { deliveryOf, withheld } from '../http/delivery.ts';
import { sendWholeAnswer } from '../http/whole-answer.ts';
import { parseMessagesRequest, parsePrompt } from './parse.ts';
import { promptBlocks } from './prompt-blocks.ts';
import { streamMessage } from './stream.ts';
import { messageBody } from './wire.ts';

export async function postMessages({ req, res, body, model }: Call): Promise<void> {
  requireVersion(req.headers['anthropic-version']);
  const ask = parseMessagesRequest(body);
  const composed = composeAnswer(ask);
  const fault = faultFor(model, ask.model, composed, question(ask).lastText);
  if (await withheld(res, fault)) return;
  const answer = spoilt(composed, fault);
  if (fault?.kind === 'overloaded' && !ask.stream) throw new Refusal(529, 'Overloaded');
  const head = {
    id: `msg_demo_${model.nextId()}`,
    model: ask.model,
    prompt: model.cache.account(promptBlocks(body as JsonObject), Date.now()),
  };
  const delayMs = answer.directives.delayMs ?? model.tokenDelayMs;
  if (ask.stream) return streamMessage(res, head, answer, deliveryOf(fault, delayMs));
  return sendWholeAnswer(res, messageBody(head, answer), answer.tokens.length, fault, delayMs);
}

export async function postCountTokens({ req, res, body, model }: Call): Promise<void> {
  requireVersion(req.headers['anthropic-version']);
  parsePrompt(body);
  const unmarked = promptBlocks(body as JsonObject).map((block) => ({ ...block, marked: false }));
  const { fresh } = model.cache.account(unmarked, Date.now());
  sendJson(res, 200, JSON.stringify({ input_tokens: fresh }));
}

function requireVersion(version: unknown): void {
  if (typeof version !== 'string') throw invalid('anthropic-version: header is required');
}
