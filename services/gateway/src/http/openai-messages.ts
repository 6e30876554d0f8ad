import { z } from 'zod';
import type { ClientTool, ContentBlock, ContextMessage } from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';
import { imageBlocks } from '../domain/attachments.ts';
import { splitTalk, textBlocks, type Conversation } from './conversation.ts';

const Part = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  image_url: z.union([z.string(), z.looseObject({ url: z.string() })]).optional(),
});
const Message = z.looseObject({
  role: z.string(),
  content: z.union([z.string(), z.array(Part), z.null()]).optional(),
  tool_call_id: z.string().optional(),
  tool_calls: z
    .array(
      z.looseObject({ id: z.string(), function: z.looseObject({ name: z.string(), arguments: z.string() }) }),
    )
    .optional(),
});
type Message = z.infer<typeof Message>;

export const ChatBody = z.looseObject({
  model: z.string().default('moltbot'),
  messages: z.array(Message),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
  user: z.string().optional(),
  max_tokens: z.int().positive().nullish(),
  max_completion_tokens: z.int().positive().nullish(),
  reasoning_effort: z.string().nullish(),
  tools: z
    .array(
      z.looseObject({
        type: z.string(),
        function: z
          .looseObject({
            name: z.string(),
            description: z.string().optional(),
            parameters: z.record(z.string(), z.unknown()).optional(),
          })
          .optional(),
      }),
    )
    .optional(),
  tool_choice: z.unknown().optional(),
});
export type ChatBody = z.infer<typeof ChatBody>;

/** System parts, earlier conversation, and what is said now. */
export function readConversation(messages: readonly Message[]): Conversation {
  const system = messages.filter(({ role }) => role === 'system' || role === 'developer').map(textOf);
  const talk = messages.filter(({ role }) => role === 'user' || role === 'assistant' || role === 'tool');
  return splitTalk(
    system,
    talk.map((message): ContextMessage => ({
      role: message.role === 'assistant' ? 'assistant' : 'user',
      content: blocksOf(message),
    })),
    'messages',
  );
}

export function clientTools(tools: ChatBody['tools']): ClientTool[] {
  return (tools ?? []).flatMap(({ function: named }) => {
    if (!named) return [];
    return [
      {
        name: named.name,
        inputSchema: named.parameters ?? {},
        ...(named.description !== undefined && { description: named.description }),
      },
    ];
  });
}

function textOf(message: Message): string {
  const { content } = message;
  return typeof content === 'string' ? content : (content ?? []).map((part) => part.text ?? '').join('');
}

function blocksOf(message: Message): ContentBlock[] {
  if (message.role === 'tool')
    return [{ type: 'toolResult', toolCallId: message.tool_call_id ?? '', text: textOf(message) }];
  const calls = (message.tool_calls ?? []).map((call) => ({
    type: 'toolCall',
    id: call.id,
    name: call.function.name,
    arguments: parseArguments(call.function.arguments),
  }));
  const { content } = message;
  if (typeof content === 'string') return [...textBlocks(content), ...calls];
  return [...(content ?? []).flatMap(partBlocks), ...calls];
}

function partBlocks(part: z.infer<typeof Part>): ContentBlock[] {
  if (part.text !== undefined) return textBlocks(part.text);
  const url = typeof part.image_url === 'string' ? part.image_url : part.image_url?.url;
  return url === undefined ? [] : [imageFromUrl(url)];
}

/** Only images in the request itself: the gateway fetches nothing on a caller's word. */
export function imageFromUrl(url: string): ContentBlock {
  const [, mimeType, content] = /^data:([^;,]+);base64,(.*)$/s.exec(url) ?? [];
  const [block] = content === undefined ? [] : imageBlocks([{ mimeType, content, fileName: 'image_url' }]);
  if (!block)
    throw new AppError(
      'INVALID_REQUEST',
      'image_url: send the image itself as a data: URL (base64); addresses are not fetched',
    );
  return block;
}

export function parseArguments(json: string): unknown {
  try {
    return JSON.parse(json === '' ? '{}' : json) as unknown;
  } catch {
    throw new AppError('INVALID_REQUEST', 'tool_calls: arguments must be a JSON object');
  }
}
