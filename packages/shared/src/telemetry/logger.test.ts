import { expect, test } from 'vitest';
import { createLogControl, logSettings } from './logger.ts';

function written(): { lines: string[]; logs: ReturnType<typeof createLogControl> } {
  const lines: string[] = [];
  return { lines, logs: createLogControl('test', undefined, (line) => void lines.push(line)) };
}

test('level and patterns hold from the next line on, for child loggers too', () => {
  const { lines, logs } = written();
  const child = logs.logger.child({ part: 'a' });
  logs.logger.debug('too quiet');
  logs.apply(logSettings({ level: 'debug', redactPatterns: ['case-\\d+', '/KLAUS/i'] }));
  logs.logger.debug('about case-17');
  child.warn('for Klaus');
  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
    'about [redacted]',
    'for [redacted]',
  ]);
});

test('a credential is masked by its shape in every sink', () => {
  const { lines, logs } = written();
  const second: string[] = [];
  const stop = logs.addSink((line) => void second.push(line));
  logs.logger.info({ authorization: 'Bearer abc' }, `token mbt_abcdef012345_${'s'.repeat(43)}`);
  stop();
  logs.logger.info('after');
  expect(lines.join('')).not.toMatch(/sss|abc"/);
  expect(second).toEqual(lines.slice(0, 1));
});

test('an error is told by its words, not by what it carries', () => {
  const lines: string[] = [];
  const { logger } = createLogControl('test', undefined, (line) => void lines.push(line));
  const refused = Object.assign(new Error('NOREPLICAS Not enough good replicas to write.'), {
    command: { name: 'evalsha', args: ['what somebody wrote'] },
    code: 'NOREPLICAS',
  });
  logger.error({ err: new Error('not committed', { cause: refused }) }, 'job failed');
  expect(lines.join('')).not.toContain('what somebody wrote');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    err: { type: 'Error', message: 'not committed', cause: { message: refused.message, code: 'NOREPLICAS' } },
  });
});
