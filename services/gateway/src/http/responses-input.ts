import { z } from 'zod';
import type { ClientTool, ContentBlock, ContextMessage } from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';
import { imageBlocks } from '../domain/attachments.ts';
import { splitTalk, textBlocks, type Conversation } from './conversation.ts';
import { imageFromUrl, parseArguments } from './openai-messages.ts';
import { textFile } from './text-file.ts';

/** Moltbot's own spelling of a file or an image; OpenAI's are `image_url`, `file_data`. */
const Source = z.looseObject({
  type: z.string(),
  media_type: z.string().optional(),
  data: z.string().optional(),
  filename: z.string().optional(),
});
const Part = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  refusal: z.string().optional(),
  image_url: z.string().nullish(),
  file_data: z.string().nullish(),
  filename: z.string().nullish(),
  source: Source.optional(),
});
type Part = z.infer<typeof Part>;
const Content = z.union([z.string(), z.array(Part)]);

const Item = z.looseObject({
  type: z.string().default('message'),
  role: z.enum(['user', 'assistant', 'system', 'developer']).optional(),
  content: Content.nullish(),
  call_id: z.string().nullish(),
  name: z.string().nullish(),
  arguments: z.string().optional(),
  output: Content.optional(),
});
type Item = z.infer<typeof Item>;
export const ResponsesInput = z.union([z.string(), z.array(Item)]);

/** Instructions and system items, earlier conversation, and what is said now. */
export function readInput(
  input: z.infer<typeof ResponsesInput>,
  instructions: string | undefined,
): Conversation {
  const items =
    typeof input === 'string' ? [{ type: 'message', role: 'user' as const, content: input }] : input;
  const isSystem = ({ role }: Item): boolean => role === 'system' || role === 'developer';
  const system = items
    .filter(isSystem)
    .map(({ content }, index) => plainText(content ?? '', `input.${index}.content`));
  const talk = items.flatMap((item, index) => (isSystem(item) ? [] : itemMessages(item, `input.${index}`)));
  return splitTalk([instructions ?? '', ...system], talk, 'input');
}

function itemMessages(item: Item, path: string): ContextMessage[] {
  switch (item.type) {
    case 'message':
      return [messageOf(item, path)];
    case 'function_call':
      return [callOf(item)];
    case 'function_call_output':
      return [
        {
          role: 'user',
          content: [
            {
              type: 'toolResult',
              toolCallId: item.call_id ?? '',
              text: plainText(item.output ?? '', `${path}.output`),
            },
          ],
        },
      ];
    case 'reasoning': // what another model thought is not ours to continue
      return [];
    default:
      throw refused(
        `${path}.type: "${item.type}" is not supported; send message, function_call or function_call_output`,
      );
  }
}

function callOf({ call_id: id, name, arguments: json }: Item): ContextMessage {
  return {
    role: 'assistant',
    content: [{ type: 'toolCall', id: id ?? '', name: name ?? '', arguments: parseArguments(json ?? '') }],
  };
}

function messageOf({ role, content }: Item, path: string): ContextMessage {
  if (role === undefined)
    throw refused(`${path}.role: Invalid input: expected user, assistant, system or developer`);
  const blocks =
    typeof content === 'string'
      ? textBlocks(content)
      : (content ?? []).flatMap((part, index) => partBlocks(part, `${path}.content.${index}`));
  return { role: role === 'assistant' ? role : 'user', content: blocks };
}

function partBlocks(part: Part, path: string): ContentBlock[] {
  switch (part.type) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return textBlocks(part.text ?? '');
    case 'refusal':
      return textBlocks(part.refusal ?? '');
    case 'input_image':
      return [imagePart(part, path)];
    case 'input_file':
      return [filePart(part, path)];
    default:
      throw refused(
        `${path}.type: "${part.type}" is not supported; send input_text, input_image or input_file`,
      );
  }
}

function imagePart({ image_url: url, source }: Part, path: string): ContentBlock {
  if (typeof url === 'string') return imageFromUrl(url);
  const [image] =
    source?.data === undefined
      ? []
      : imageBlocks([{ mimeType: source.media_type, content: source.data, fileName: 'input_image' }]);
  if (!image)
    throw refused(
      `${path}: send the image itself as image_url with a data: URL (base64); addresses and file ids are not fetched`,
    );
  return image;
}

function filePart({ file_data: data, filename, source }: Part, path: string): ContentBlock {
  const content = data ?? source?.data;
  if (content === undefined)
    throw refused(
      `${path}: send the file itself as file_data (base64); addresses and file ids are not fetched`,
    );
  return textFile(content, filename ?? source?.filename, path);
}

function plainText(content: string | readonly Part[], path: string): string {
  if (typeof content === 'string') return content;
  const other = content.find(({ text }) => text === undefined);
  if (other) throw refused(`${path}: only text can be sent here, not ${other.type}`);
  return content.map(({ text }) => text).join('');
}

const Tool = z.looseObject({
  type: z.string(),
  name: z.string().optional(),
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish(),
  function: z
    .looseObject({
      name: z.string(),
      description: z.string().nullish(),
      parameters: z.record(z.string(), z.unknown()).nullish(),
    })
    .optional(),
});
export const ResponsesTools = z.array(Tool);

/** Functions in OpenAI's flat form or in Moltbot's nested one; nothing else runs here. */
export function readTools(tools: readonly z.infer<typeof Tool>[]): ClientTool[] {
  return tools.map((tool, index) => {
    const { name, description, parameters } = tool.function ?? tool;
    if (tool.type !== 'function' || name === undefined)
      throw refused(`tools.${index}: only tools of type "function" with a name are supported`);
    return { name, inputSchema: parameters ?? {}, ...(description != null && { description }) };
  });
}

/** Flat `{type:"function", name}` becomes the nested form that a turn carries. */
export function readToolChoice(choice: unknown): unknown {
  if (choice == null || choice === 'auto' || choice === 'none' || choice === 'required')
    return choice ?? undefined;
  const {
    type,
    name,
    function: nested,
  } = choice as { type?: unknown; name?: unknown; function?: { name?: unknown } };
  const wanted = nested?.name ?? name;
  if (type !== 'function' || typeof wanted !== 'string')
    throw refused('tool_choice: expected "auto", "none", "required" or one function by name');
  return { type: 'function', function: { name: wanted } };
}

const refused = (message: string): AppError => new AppError('INVALID_REQUEST', message);
