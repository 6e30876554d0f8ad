import type { Ask, AskMessage } from '../domain/ask.ts';
import { isList, isObject, textOf, type JsonObject } from '../domain/json.ts';
import { invalid } from '../domain/refusal.ts';
import { readContent } from './content.ts';

const MIN_THINKING_BUDGET_TOKENS = 1_024;

/** The body of `POST /v1/messages`, refused for the reasons the real API gives. */
export function parseMessagesRequest(body: unknown): Ask {
  const ask = parsePrompt(body);
  const { max_tokens: maxTokens } = body as JsonObject;
  if (maxTokens === undefined) throw invalid('max_tokens: Field required');
  if (!isWhole(maxTokens) || maxTokens < 1) {
    throw invalid('max_tokens: Input should be greater than or equal to 1');
  }
  const thinks = readThinking(body as JsonObject, maxTokens);
  if (thinks && ask.messages.at(-1)?.role === 'assistant') {
    throw invalid('messages: a final assistant message cannot be used while thinking is enabled');
  }
  return { ...ask, maxTokens, thinks, stream: (body as JsonObject)['stream'] === true };
}

/** What `count_tokens` also needs: everything but the limits of the answer. */
export function parsePrompt(body: unknown): Ask {
  if (!isObject(body)) throw invalid('The request body is not a JSON object');
  if (typeof body['model'] !== 'string') throw invalid('model: Field required');
  if (body['messages'] === undefined) throw invalid('messages: Field required');
  if (!isList(body['messages'])) throw invalid('messages: Input should be a valid list');
  const messages = body['messages'].map(readMessage);
  checkConversation(messages);
  const stops = body['stop_sequences'];
  const tools = body['tools'];
  return {
    model: body['model'],
    system: body['system'] === undefined ? '' : readContent(body['system'], 'system').text,
    messages,
    maxTokens: 0,
    stopSequences: isList(stops) ? stops.filter((stop) => typeof stop === 'string') : [],
    toolNames: isList(tools) ? tools.filter(isObject).map((tool) => textOf(tool['name'])) : [],
    thinks: false,
    stream: false,
  };
}

function readMessage(message: unknown, at: number): AskMessage {
  if (!isObject(message)) throw invalid(`messages.${at}: Input should be an object`);
  const role = message['role'];
  if (role !== 'user' && role !== 'assistant') {
    throw invalid(`messages.${at}.role: Input should be 'user' or 'assistant'`);
  }
  if (message['content'] === undefined) throw invalid(`messages.${at}.content: Field required`);
  return { role, ...readContent(message['content'], `messages.${at}.content`) };
}

function checkConversation(messages: readonly AskMessage[]): void {
  if (messages.length === 0) throw invalid('messages: at least one message is required');
  if (messages[0]?.role !== 'user') {
    throw invalid('messages: first message must use the "user" role');
  }
  const last = messages.at(-1);
  if (last?.role === 'assistant' && last.text !== last.text.trimEnd()) {
    throw invalid('messages: final assistant content cannot end with trailing whitespace');
  }
  const empty = messages.findIndex(isEmptyUserMessage);
  if (empty >= 0) throw invalid(`messages.${empty}: user messages must have non-empty content`);
}

function isEmptyUserMessage(message: AskMessage): boolean {
  const parts = message.images.length + message.toolResults.length;
  return message.role === 'user' && message.text === '' && parts === 0;
}

function readThinking(body: JsonObject, maxTokens: number): boolean {
  const thinking = body['thinking'];
  if (!isObject(thinking) || thinking['type'] === 'disabled') return false;
  if (thinking['type'] !== 'enabled') return true;
  const budget = thinking['budget_tokens'];
  if (!isWhole(budget)) throw invalid('thinking.enabled.budget_tokens: Field required');
  if (budget < MIN_THINKING_BUDGET_TOKENS) {
    throw invalid('thinking.enabled.budget_tokens: Input should be greater than or equal to 1024');
  }
  if (budget >= maxTokens) {
    throw invalid('`max_tokens` must be greater than `thinking.budget_tokens`');
  }
  const temperature = body['temperature'];
  if (temperature !== undefined && temperature !== 1) {
    throw invalid('`temperature` may only be set to 1 when thinking is enabled');
  }
  return true;
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value);
}
