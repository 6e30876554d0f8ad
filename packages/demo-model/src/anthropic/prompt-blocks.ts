import { isList, isObject, type JsonObject } from '../domain/json.ts';
import type { PromptBlock } from '../domain/prompt-cache.ts';
import { imageTokens } from '../domain/tokens.ts';

const CHARACTERS_PER_TOKEN = 4;

/** The prompt as the cache reads it: tools, then the system prompt, then the messages. */
export function promptBlocks(body: JsonObject): readonly PromptBlock[] {
  const blocks: PromptBlock[] = [];
  for (const tool of listOf(body['tools'])) blocks.push(blockOf('tool', tool));
  for (const part of partsOf(body['system'])) blocks.push(blockOf('system', part));
  for (const message of listOf(body['messages'])) {
    if (!isObject(message)) continue;
    for (const part of partsOf(message['content'])) blocks.push(blockOf(String(message['role']), part));
  }
  const last = blocks.at(-1);
  // Marking the request itself marks its last block.
  if (last && isObject(body['cache_control'])) blocks[blocks.length - 1] = { ...last, marked: true };
  return blocks;
}

function listOf(value: unknown): readonly unknown[] {
  return isList(value) ? value : [];
}

function partsOf(content: unknown): readonly unknown[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : listOf(content);
}

function blockOf(role: string, part: unknown): PromptBlock {
  if (!isObject(part)) return { text: '', characters: 0, marked: false };
  const { cache_control: mark, ...rest } = part;
  const marked = isObject(mark);
  if (rest['type'] === 'text' && typeof rest['text'] === 'string') {
    return { text: `${role}:${rest['text']}`, characters: rest['text'].length, marked };
  }
  const json = JSON.stringify(rest);
  const characters = rest['type'] === 'image' ? imageCharacters(rest) : json.length;
  return { text: `${role}:${json}`, characters, marked };
}

function imageCharacters(block: JsonObject): number {
  const source = block['source'];
  const data = isObject(source) && typeof source['data'] === 'string' ? source['data'] : '';
  return imageTokens((data.length * 3) / 4) * CHARACTERS_PER_TOKEN;
}
