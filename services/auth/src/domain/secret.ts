import { createHash, randomBytes, randomInt } from 'node:crypto';
import { PERSONAL_TOKEN } from '@moltbot/shared/contracts';

const ID_ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';
const ID_CHARS = 12;
const SECRET_BYTES = 32;

/** A new token as its owner sees it once, and the hash that is all we keep of it. */
export function mintToken(): { id: string; token: string; hash: string } {
  const id = Array.from({ length: ID_CHARS }, () => ID_ALPHABET.charAt(randomInt(ID_ALPHABET.length))).join(
    '',
  );
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  const hash = createHash('sha256').update(secret).digest('hex');
  const token = `mbt_${id}_${secret}`;
  if (!PERSONAL_TOKEN.test(token)) throw new Error('a token was made that no gateway would recognise');
  return { id, token, hash };
}
