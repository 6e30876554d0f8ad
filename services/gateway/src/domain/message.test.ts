import { describe, expect, test } from 'vitest';
import { readIntent, titleOf } from './message.ts';

const TRIGGERS = ['/new', '/reset', 'Neues Thema'];

describe('what a message asks for', () => {
  test.each([
    ['hello', { kind: 'chat', text: 'hello' }],
    ['  spaces stay  ', { kind: 'chat', text: '  spaces stay  ' }],
    ['/stop', { kind: 'stop' }],
    [' Stop ', { kind: 'stop' }],
    ['stop it', { kind: 'chat', text: 'stop it' }],
    ['/new', { kind: 'reset', text: '', trigger: '/new' }],
    ['/NEW  and this', { kind: 'reset', text: 'and this', trigger: '/new' }],
    ['neues thema', { kind: 'reset', text: '', trigger: 'Neues Thema' }],
    ['/newer', { kind: 'chat', text: '/newer' }],
    ['/status', { kind: 'command', text: '/status' }],
    ['/Model openai/gpt-5', { kind: 'command', text: '/Model openai/gpt-5' }],
    ['/unheard of', { kind: 'chat', text: '/unheard of' }],
  ])('%j', (message, intent) => {
    expect(readIntent(message, TRIGGERS)).toEqual(intent);
  });
});

test('a title is one line of at most 60 characters', () => {
  expect(titleOf(' two\n lines ')).toBe('two lines');
  expect(titleOf('x'.repeat(60))).toHaveLength(60);
  expect(titleOf('x'.repeat(61))).toBe(`${'x'.repeat(59)}…`);
});
