import type { Ask, AskMessage } from '../domain/ask.ts';
import { isList, isObject, textOf, type JsonObject } from '../domain/json.ts';
import { invalid } from '../domain/refusal.ts';

const DEFAULT_MAX_TOKENS = 100_000;
const SYSTEM_ROLES = ['system', 'developer'];

export type ChatAsk = Readonly<{ ask: Ask; includeUsage: boolean }>;

/** The body of `POST /v1/chat/completions`, reduced to the same question. */
export function parseChatRequest(body: unknown): ChatAsk {
  if (!isObject(body)) throw invalid('We could not parse the JSON body of your request.');
  if (typeof body['model'] !== 'string') throw invalid('you must provide a model parameter');
  const list = body['messages'];
  if (!isList(list) || list.length === 0) throw invalid("Missing required parameter: 'messages'.");
  const messages = list.map(readMessage);
  const options = body['stream_options'];
  return {
    includeUsage: isObject(options) && options['include_usage'] === true,
    ask: {
      model: body['model'],
      system: messages.flatMap(({ system, text }) => (system ? [text] : [])).join('\n'),
      messages: messages.filter(({ system }) => !system),
      maxTokens: readMaxTokens(body),
      stopSequences: readStops(body['stop']),
      toolNames: [],
      thinks: false,
      stream: body['stream'] === true,
    },
  };
}

function readMaxTokens(body: JsonObject): number {
  const limit = body['max_completion_tokens'] ?? body['max_tokens'] ?? DEFAULT_MAX_TOKENS;
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1) {
    throw invalid("Invalid 'max_completion_tokens': integer above or equal to 1 expected.");
  }
  return limit;
}

function readStops(stop: unknown): readonly string[] {
  const list = isList(stop) ? stop : [stop];
  return list.filter((text) => typeof text === 'string');
}

function readMessage(message: unknown, at: number): AskMessage & { system: boolean } {
  if (!isObject(message)) throw invalid(`Invalid type for 'messages[${at}]'.`);
  const role = textOf(message['role']);
  const system = SYSTEM_ROLES.includes(role);
  if (!system && !['user', 'assistant', 'tool'].includes(role)) {
    throw invalid(`Invalid value: '${role}' in 'messages[${at}].role'.`);
  }
  const content = readContent(message['content'], at);
  const toolResults = role === 'tool' ? [content.text] : [];
  const spoken = role === 'tool' ? { text: '', lastText: '' } : content;
  return {
    system,
    role: role === 'assistant' ? 'assistant' : 'user',
    ...content,
    ...spoken,
    images: content.images,
    toolResults,
  };
}

function readContent(content: unknown, at: number): Pick<AskMessage, 'text' | 'lastText' | 'images'> {
  if (typeof content === 'string') return { text: content, lastText: content, images: [] };
  if (content === undefined || content === null) return { text: '', lastText: '', images: [] };
  if (!isList(content)) throw invalid(`Invalid type for 'messages[${at}].content'.`);
  const parts = content.filter(isObject);
  const text = parts.map((part) => textOf(part['text'])).filter((piece) => piece !== '');
  const images = parts.filter((part) => part['type'] === 'image_url').map(readImage);
  return { text: text.join('\n'), lastText: text.at(-1) ?? '', images };
}

function readImage(part: JsonObject): AskMessage['images'][number] {
  const holder = part['image_url'];
  const url = isObject(holder) ? textOf(holder['url']) : '';
  const inline = /^data:([^;,]+);base64,/.exec(url);
  if (!inline) return { mediaType: 'image by url', sizeBytes: 0 };
  const sizeBytes = Buffer.from(url.slice(inline[0].length), 'base64').length;
  return { mediaType: inline[1] ?? '', sizeBytes };
}
