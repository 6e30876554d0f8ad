import type { ChatAttachment, ContentBlock } from '@moltbot/client';

export type ShownImage = Readonly<{ src: string | undefined; name: string | undefined }>;

/** Only bitmap types; an SVG or anything else from a transcript is named, not rendered. */
const SAFE_TYPE = /^image\/(png|jpeg|webp|gif|avif)$/;

/** Images of a message: our own blocks carry `data`, a provider's nested ones a `source`. */
export function imagesOf(content: readonly ContentBlock[]): readonly ShownImage[] {
  return content.filter(({ type }) => type === 'image').map(toShown);
}

function toShown(block: ContentBlock): ShownImage {
  const { mimeType, data } = bytesOf(block);
  const name = typeof block['fileName'] === 'string' ? block['fileName'] : undefined;
  const src =
    data !== undefined && SAFE_TYPE.test(mimeType ?? '') ? `data:${mimeType};base64,${data}` : undefined;
  return { src, name };
}

function bytesOf(block: ContentBlock): { mimeType: string | undefined; data: string | undefined } {
  const source = (block['source'] ?? {}) as Record<string, unknown>;
  return {
    mimeType: text(block['mimeType']) ?? text(source['media_type']),
    data: text(block['data']) ?? text(source['data']),
  };
}

/** To ask the same question again with its pictures. */
export function attachmentsOf(content: readonly ContentBlock[]): readonly ChatAttachment[] {
  return content.flatMap((block) => {
    const { mimeType, data } = bytesOf(block);
    if (block.type !== 'image' || mimeType === undefined || data === undefined) return [];
    const name = text(block['fileName']);
    return [{ mimeType, content: data, ...(name !== undefined && { fileName: name }) }];
  });
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;
