import { z } from 'zod';
import type { ClientTool, ContentBlock, ContextMessage } from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';
import { imageBlocks } from '../domain/attachments.ts';
import { splitTalk, textBlocks, type Conversation } from './conversation.ts';
import { fileText, textFile } from './text-file.ts';

const Source = z.looseObject({
  type: z.string(),
  media_type: z.string().optional(),
  data: z.string().optional(),
});
const Inner = z.looseObject({ type: z.string(), text: z.string().optional(), source: Source.optional() });
const Block = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  source: Source.optional(),
  title: z.string().nullish(),
  id: z.string().optional(),
  name: z.string().optional(),
  input: z.unknown().optional(),
  tool_use_id: z.string().optional(),
  content: z.union([z.string(), z.array(Inner)]).optional(),
});
type Block = z.infer<typeof Block>;

export const AnthropicMessages = z.array(
  z.looseObject({ role: z.enum(['user', 'assistant']), content: z.union([z.string(), z.array(Block)]) }),
);
export const AnthropicSystem = z.union([
  z.string(),
  z.array(z.looseObject({ type: z.literal('text'), text: z.string() })),
]);

export function readAnthropicMessages(
  messages: z.infer<typeof AnthropicMessages>,
  system: z.infer<typeof AnthropicSystem>,
): Conversation {
  if (messages.at(-1)?.role === 'assistant')
    throw refused('messages: the last message must be from the user; an answer cannot be prefilled');
  const talk = messages.map(({ role, content }, index): ContextMessage => {
    if (typeof content === 'string') return { role, content: textBlocks(content) };
    const blocks = content.flatMap((block, at) => readBlock(block, `messages.${index}.content.${at}`));
    return { role, content: resultsFirst(blocks) };
  });
  return splitTalk(typeof system === 'string' ? [system] : system.map(({ text }) => text), talk, 'messages');
}

function readBlock(block: Block, path: string): ContentBlock[] {
  switch (block.type) {
    case 'text':
      return textBlocks(block.text ?? '');
    case 'image':
      return [readImage(block.source, path)];
    case 'document':
      return [readDocument(block, path)];
    case 'tool_use':
      return [{ type: 'toolCall', id: block.id ?? '', name: block.name ?? '', arguments: block.input ?? {} }];
    case 'tool_result':
      return readResult(block, path);
    case 'thinking': // signed for one model and one key; ours may not be the same
    case 'redacted_thinking':
      return [];
    default:
      throw refused(
        `${path}.type: "${block.type}" is not supported; send text, image, document, tool_use or tool_result`,
      );
  }
}

function readImage(source: z.infer<typeof Source> | undefined, path: string): ContentBlock {
  const [image] =
    source?.type === 'base64'
      ? imageBlocks([{ mimeType: source.media_type, content: source.data, fileName: 'image' }])
      : [];
  if (!image)
    throw refused(`${path}.source: send the image itself (base64); addresses and file ids are not fetched`);
  return image;
}

function readDocument({ source, title }: Block, path: string): ContentBlock {
  if (source?.type === 'text') return { type: 'text', text: fileText(source.data ?? '', title ?? undefined) };
  if (source?.type !== 'base64')
    throw refused(
      `${path}.source: send the document itself (text or base64); addresses and file ids are not fetched`,
    );
  return textFile(source.data ?? '', title ?? undefined, path);
}

/** The text is the tool's result; an image of it stands beside, where every provider takes one. */
function readResult({ tool_use_id: toolCallId = '', content = '' }: Block, path: string): ContentBlock[] {
  if (typeof content === 'string') return [{ type: 'toolResult', toolCallId, text: content }];
  const text = content.map((part) => part.text ?? '').join('');
  const others = content
    .filter(({ type }) => type !== 'text')
    .map((part) => {
      if (part.type === 'image') return readImage(part.source, path);
      throw refused(`${path}.content: "${part.type}" is not supported in a tool result; send text or image`);
    });
  return [{ type: 'toolResult', toolCallId, text }, ...others];
}

/** Providers want the results of tools before anything else in a message. */
function resultsFirst(blocks: readonly ContentBlock[]): ContentBlock[] {
  const isResult = ({ type }: ContentBlock): boolean => type === 'toolResult';
  return [...blocks.filter(isResult), ...blocks.filter((block) => !isResult(block))];
}

export const AnthropicTools = z.array(
  z.looseObject({
    type: z.string().nullish(),
    name: z.string(),
    description: z.string().optional(),
    input_schema: z.record(z.string(), z.unknown()).optional(),
  }),
);

export function readAnthropicTools(tools: z.infer<typeof AnthropicTools>): ClientTool[] {
  return tools.map(({ type, name, description, input_schema: inputSchema }, index) => {
    if (inputSchema === undefined || (type ?? 'custom') !== 'custom')
      throw refused(
        `tools.${index}: only the client's own tools are supported (name, description, input_schema)`,
      );
    return { name, inputSchema, ...(description !== undefined && { description }) };
  });
}

export const AnthropicToolChoice = z.looseObject({
  type: z.enum(['auto', 'any', 'tool', 'none']),
  name: z.string().optional(),
});

/** In OpenAI's spelling, which is what a turn carries. */
export function readAnthropicToolChoice(choice: z.infer<typeof AnthropicToolChoice> | undefined): unknown {
  if (!choice) return undefined;
  if (choice.type === 'tool') return { type: 'function', function: { name: choice.name ?? '' } };
  return choice.type === 'any' ? 'required' : choice.type;
}

const LEVELS = [
  ['xhigh', 32_000],
  ['high', 16_384],
  ['medium', 8_192],
  ['low', 2_048],
] as const;

export const AnthropicThinking = z.looseObject({
  type: z.string(),
  budget_tokens: z.int().min(1_024).optional(),
});

/** The highest thinking level that stays within the budget; undefined leaves it to the configuration. */
export function thinkingLevel(thinking: z.infer<typeof AnthropicThinking> | undefined): string | undefined {
  if (thinking?.type === 'disabled') return 'off';
  const budget = thinking?.type === 'enabled' ? thinking.budget_tokens : undefined;
  if (budget === undefined) return undefined;
  return LEVELS.find(([, tokens]) => tokens <= budget)?.[0] ?? 'minimal';
}

const refused = (message: string): AppError => new AppError('INVALID_REQUEST', message);
