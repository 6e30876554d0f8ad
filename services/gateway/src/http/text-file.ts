import { Buffer } from 'node:buffer';
import type { ContentBlock } from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';

const MAX_BYTES = 5_000_000;

/** A file the model can read as text: base64 or a data: URL of it. Anything binary is refused, not guessed at. */
export function textFile(content: string, filename: string | undefined, path: string): ContentBlock {
  const base64 = content.replace(/^data:[^,]*,/, '').replaceAll(/\s/g, '');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64))
    throw new AppError('INVALID_REQUEST', `${path}: the file must be base64`);
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length > MAX_BYTES)
    throw new AppError('PAYLOAD_TOO_LARGE', `${path}: the file is larger than ${MAX_BYTES} bytes`);
  return { type: 'text', text: fileText(decode(bytes, path), filename) };
}

export const fileText = (text: string, name = 'file'): string =>
  `<file name=${JSON.stringify(name)}>\n${text}\n</file>`;

function decode(bytes: Uint8Array, path: string): string {
  const binary = new AppError(
    'INVALID_REQUEST',
    `${path}: only text files can be read (UTF-8); convert the document to text first`,
  );
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (text.includes('\0') || text.startsWith('%PDF-')) throw binary;
    return text;
  } catch {
    throw binary;
  }
}
