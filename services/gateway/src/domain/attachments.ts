import type { ContentBlock } from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';

export type AttachmentInput = Readonly<{
  type?: string | undefined;
  mimeType?: string | undefined;
  fileName?: string | undefined;
  content?: unknown;
}>;

const MAX_BYTES = 5_000_000;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const IMAGES = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);

/** Images of a message as content blocks; throws with upstream's words for what is not one. */
export function imageBlocks(attachments: readonly AttachmentInput[]): ContentBlock[] {
  return attachments.map((attachment, index) => {
    const name = attachment.fileName ?? attachment.type ?? `attachment-${index + 1}`;
    if (typeof attachment.content !== 'string') throw fault(name, 'content must be base64 string');
    const data = attachment.content.replace(/^data:[^,]*,/, '').replaceAll(/\s/g, '');
    if (!BASE64.test(data) || data.length % 4 !== 0) throw fault(name, 'invalid base64 content');
    const bytes = (data.length * 3) / 4;
    if (bytes > MAX_BYTES)
      throw fault(name, `exceeds size limit (${Math.round(bytes)} > ${MAX_BYTES} bytes)`);
    const mimeType = sniff(data) ?? attachment.mimeType ?? '';
    if (!IMAGES.has(mimeType)) throw fault(name, 'only png, jpeg, gif and webp images can be sent');
    return {
      type: 'image',
      mimeType,
      data,
      ...(attachment.fileName !== undefined && { fileName: attachment.fileName }),
    };
  });
}

/** The first bytes say what it is; what the sender says may be wrong. */
function sniff(base64: string): string | undefined {
  const head = atob(base64.slice(0, 24));
  if (head.startsWith('\u0089PNG')) return 'image/png';
  if (head.startsWith('\u00FF\u00D8\u00FF')) return 'image/jpeg';
  if (head.startsWith('GIF8')) return 'image/gif';
  return head.startsWith('RIFF') && head.slice(8, 12) === 'WEBP' ? 'image/webp' : undefined;
}

function fault(name: string, what: string): AppError {
  return new AppError('INVALID_REQUEST', `Error: attachment ${name}: ${what}`);
}
