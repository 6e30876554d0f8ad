import { describe, expect, test } from 'vitest';
import { createLogControl } from './logger.ts';
import { redactText } from './redaction.ts';

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4fwpM';
const KEY = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC';
const pem = (body: string, kind = ''): string =>
  `-----BEGIN ${kind}PRIVATE KEY-----${body}-----END ${kind}PRIVATE KEY-----`;

describe('a secret is masked by its shape, and nothing else', () => {
  test.each([
    ['a JWT', `got ${JWT} here`, 'got [redacted] here'],
    ['a JWT behind a word', `x-${JWT}.`, 'x-[redacted].'],
    ['a JWT behind dotted words', `a.host-name.example.${JWT}`, 'a.host-name.example.[redacted]'],
    ['two JWTs', `${JWT} ${JWT}`, '[redacted] [redacted]'],
    ['no JWT', 'see packages.of.eyJ.and-some-more.words', 'see packages.of.eyJ.and-some-more.words'],
    ['a private key', `"k":"${pem(`\\n${KEY}\\n`, 'RSA ')}","b":1`, '"k":"[redacted]","b":1'],
    ['two keys', `${pem(KEY)} and ${pem(KEY)}`, '[redacted] and [redacted]'],
    ['a key as a list of lines', `["${pem(`","${KEY}","`)}"]`, '["[redacted]"]'],
    ['a key that was cut off', `{"k":"-----BEGIN PRIVATE KEY-----${KEY}","b":1}`, '{"k":"[redacted]","b":1}'],
    [
      'a cut key in inner JSON',
      `{"k":"{\\"p\\":\\"-----BEGIN PRIVATE KEY-----${KEY}\\"}"}`,
      '{"k":"{\\"p\\":\\"[redacted]\\"}"}',
    ],
    ['a cut key at the end', `-----BEGIN PRIVATE KEY-----${KEY}\n`, '[redacted]\n'],
    ['a password in an address', 'redis://me:hunter22@host', 'redis://me:[redacted]@host'],
    ['a member', '{"apiKey": "abc"}', '{"apiKey": "[redacted]"}'],
  ])('%s', (_, text, shown) => {
    expect(redactText(text)).toBe(shown);
  });
});

/** The least of some runs: what the machine does meanwhile only ever adds. */
function leastMs(text: string): number {
  const runs = Array.from({ length: 3 }, () => {
    const from = performance.now();
    redactText(text);
    return performance.now() - from;
  });
  return Math.min(...runs);
}

describe('a line made to be slow costs no more than its length', () => {
  test.each([
    '-eyJ',
    '-eyJaaaaaaaa',
    'eyJaaaaaaaa.aaaaaaaa.',
    'eyJ.',
    '-----BEGIN PRIVATE KEY-----',
    '-----BEGIN ',
    '-----BEGIN PRIVATE KEY-----"',
    '//a:',
    'mbt_',
    'sk-',
    'bearer ',
    '"token" ',
    '"token":',
    '\\',
  ])('%j over and over', (part) => {
    const of = (chars: number): string => part.repeat(Math.ceil(chars / part.length));
    const smallMs = Math.max(leastMs(of(65_536)), 1);
    // 16 times as long: in proportion 16, squared 256
    expect(leastMs(of(1_048_576)) / smallMs).toBeLessThan(100);
  });
});

test('a line that is too long is cut, after its secrets were masked, and stays JSON', () => {
  const lines: string[] = [];
  const { logger } = createLogControl('test', undefined, (line) => void lines.push(line));
  logger.info({ path: `${'x'.repeat(3_980)} ${JWT}${' y'.repeat(50_000)}` }, 'said');
  const [line = ''] = lines;
  expect(line.length).toBeLessThan(5_000);
  expect(line).not.toContain('eyJ');
  expect(JSON.parse(line)).toMatchObject({
    msg: 'said',
    cut: expect.any(Number) as number,
    path: expect.stringMatching(/…$/) as string,
  });
});
