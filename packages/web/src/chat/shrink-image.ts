const TYPES_KEPT: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/webp', 'image/gif']);
/** Longest edges to try, from what models read best down to what is still legible. */
const EDGES_PX = [1568, 1120, 800, 560] as const;
const QUALITIES = [0.85, 0.7, 0.5] as const;

export type Picture = Readonly<{ mimeType: string; bytes: Uint8Array<ArrayBuffer> }>;

/** The file as it is when it fits, else a JPEG of it that does; undefined when none fits. */
export async function shrinkImage(file: File, maxBytes: number): Promise<Picture | undefined> {
  if (file.size <= maxBytes && TYPES_KEPT.has(file.type)) {
    return { mimeType: file.type, bytes: new Uint8Array(await file.arrayBuffer()) };
  }
  const bitmap = await createImageBitmap(file);
  try {
    return await firstThatFits(bitmap, maxBytes);
  } finally {
    bitmap.close();
  }
}

async function firstThatFits(bitmap: ImageBitmap, maxBytes: number): Promise<Picture | undefined> {
  for (const edgePx of EDGES_PX) {
    const canvas = draw(bitmap, edgePx);
    for (const quality of QUALITIES) {
      const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/jpeg', quality));
      if (blob !== null && blob.size <= maxBytes) {
        return { mimeType: blob.type, bytes: new Uint8Array(await blob.arrayBuffer()) };
      }
    }
  }
  return undefined;
}

function draw(bitmap: ImageBitmap, edgePx: number): HTMLCanvasElement {
  const scale = Math.min(1, edgePx / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('this browser cannot draw images');
  context.fillStyle = '#fff'; // JPEG knows no transparency; black would swallow dark line art
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas;
}

const CHUNK = 0x8000;

export function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += CHUNK)
    binary += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return btoa(binary);
}

const MAX_IMAGE_BYTES = 5_000_000;
const FRAME_RESERVE_BYTES = 16_384;

/** All images of one message travel in one frame, as base64, beside the text. */
export function imageBudgetBytes(maxPayloadBytes: number, textLength: number, count: number): number {
  const textBytes = textLength * 4;
  const freeBytes = maxPayloadBytes - FRAME_RESERVE_BYTES - textBytes;
  return Math.max(0, Math.min(MAX_IMAGE_BYTES, Math.floor((freeBytes * 0.75) / Math.max(1, count))));
}
