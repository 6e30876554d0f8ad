import { createHash } from 'node:crypto';
import type { AskImage, AskMessage } from '../domain/ask.ts';
import { isList, isObject, textOf, type JsonObject } from '../domain/json.ts';
import { invalid } from '../domain/refusal.ts';

const IMAGE_TYPES = ['image/jpeg', 'image/png', 'image/gif', 'image/webp'];

type Draft = { text: string[]; images: AskImage[]; toolResults: string[] };
type BlockReader = (block: JsonObject, path: string, draft: Draft) => void;

const BLOCK_READERS: Readonly<Record<string, BlockReader>> = {
  text: readText,
  image: readImage,
  document: () => undefined,
  tool_use: () => undefined,
  tool_result: (block, path, draft) => {
    const inner = readContent(block['content'] ?? '', `${path}.content`);
    draft.toolResults.push(inner.text);
    draft.images.push(...inner.images);
  },
  thinking: (block, path) => {
    if (block['signature'] !== signatureOf(textOf(block['thinking']))) {
      throw invalid(`${path}: Invalid \`signature\` in \`thinking\` block`);
    }
  },
  redacted_thinking: () => undefined,
};

/** What proves that a thinking block sent back to us is one we wrote. */
export function signatureOf(thinking: string): string {
  return createHash('sha256').update(`demo-model:${thinking}`).digest('base64');
}

export function readContent(content: unknown, path: string): Omit<AskMessage, 'role'> {
  if (typeof content === 'string') return { text: content, lastText: content, images: [], toolResults: [] };
  if (!isList(content)) throw invalid(`${path}: Input should be a valid string or list`);
  const draft: Draft = { text: [], images: [], toolResults: [] };
  for (const [at, block] of content.entries()) {
    const blockPath = `${path}.${at}`;
    if (!isObject(block)) throw invalid(`${blockPath}: Input should be an object`);
    const reader = BLOCK_READERS[textOf(block['type'])];
    if (!reader) throw invalid(`${blockPath}: Input tag '${textOf(block['type'])}' is not known`);
    reader(block, blockPath, draft);
  }
  const lastText = draft.text.at(-1) ?? '';
  return { text: draft.text.join('\n'), lastText, images: draft.images, toolResults: draft.toolResults };
}

function readText(block: JsonObject, path: string, draft: Draft): void {
  const text = block['text'];
  if (typeof text !== 'string') throw invalid(`${path}.text: Field required`);
  if (text === '') throw invalid('messages: text content blocks must be non-empty');
  draft.text.push(text);
}

function readImage(block: JsonObject, path: string, draft: Draft): void {
  const source = block['source'];
  if (!isObject(source)) throw invalid(`${path}.source: Field required`);
  if (source['type'] !== 'base64') {
    draft.images.push({ mediaType: `image by ${textOf(source['type'])}`, sizeBytes: 0 });
    return;
  }
  const mediaType = textOf(source['media_type']);
  if (!IMAGE_TYPES.includes(mediaType)) {
    throw invalid(`${path}.source.media_type: Input should be ${IMAGE_TYPES.join(', ')}`);
  }
  const bytes = Buffer.from(textOf(source['data']), 'base64');
  if (bytes.length === 0) throw invalid(`${path}.source.data: image cannot be empty`);
  draft.images.push({ mediaType, sizeBytes: bytes.length });
}
