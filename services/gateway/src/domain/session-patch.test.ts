import { expect, test } from 'vitest';
import { readPatch, SessionPatch } from './session-patch.ts';

const patched = (settings: object): ReturnType<typeof readPatch> =>
  readPatch(SessionPatch.parse({ key: 'main', ...settings }));

test.each([
  ['nothing', {}, { patch: {}, model: undefined }],
  [
    'a level, in any case',
    { thinkingLevel: ' High ' },
    { patch: { thinkingLevel: 'high' }, model: undefined },
  ],
  ['a level cleared', { thinkingLevel: null }, { patch: { thinkingLevel: null }, model: undefined }],
  [
    'free text',
    { label: 'My Notes', execHost: 'Box' },
    { patch: { label: 'My Notes', execHost: 'Box' }, model: undefined },
  ],
  ['a model, left to be looked up', { model: 'opus' }, { patch: {}, model: 'opus' }],
  ['a model cleared', { model: null }, { patch: { modelOverride: null }, model: null }],
])('%s', (_, settings, expected) => {
  expect(patched(settings)).toEqual(expected);
});

test.each([
  ['thinkingLevel', 'hard', 'invalid thinkingLevel (use off|minimal|low|medium|high)'],
  ['sendPolicy', 'maybe', 'invalid sendPolicy (use allow|deny)'],
  ['responseUsage', '', 'invalid responseUsage (use off|tokens|full|on)'],
])('%s: %j is refused with what it may be', (name, value, message) => {
  expect(() => patched({ [name]: value })).toThrow(message);
});
