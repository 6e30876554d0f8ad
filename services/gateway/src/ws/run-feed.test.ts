import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { RunEvent } from '@moltbot/shared/contracts';
import type { RunView } from '../domain/ports.ts';
import { createRunFeed } from './run-feed.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const NAMED = { tid: 't', run: 'r' };
const view = (text = ''): RunView => ({
  runId: 'r',
  turnId: 't',
  sid: 's',
  key: 'agent:main:main',
  shownKey: 'Main',
  text,
  thinking: '',
  n: 1,
  startedAt: 1,
  attempt: 1,
  cursor: '1-1',
});
const end = (more: object): RunEvent =>
  ({ t: 'end', ...NAMED, shown: 'Main', kind: 'chat', startedAt: 1, endedAt: 2, ...more }) as RunEvent;

/** What goes out, as `name state-or-stream text`. */
function feed() {
  const frames: { name: string; droppable: boolean; said: Record<string, unknown> }[] = [];
  const { tell } = createRunFeed(({ name, payload, droppable }) =>
    frames.push({ name, droppable, said: JSON.parse(payload) as Record<string, unknown> }),
  );
  const seen = (): string[] =>
    frames.map(({ name, said }) => `${name} ${String(said['stream'] ?? said['state'])}`);
  const texts = (name: string): unknown[] =>
    frames.filter((frame) => frame.name === name && frame.droppable).map(({ said }) => textOf(said));
  return { tell, frames, seen, texts };
}

function textOf(said: Record<string, unknown>): unknown {
  const { data, message } = said as { data?: { text: string }; message?: { content: { text: string }[] } };
  return data?.text ?? message?.content[0]?.text;
}

test('the first words go out at once, later ones together', () => {
  const { tell, texts } = feed();
  for (const text of ['a', 'ab', 'abc']) tell({ t: 'delta', ...NAMED, text: 'x' }, view(text));
  expect(texts('agent')).toEqual(['a']);
  vi.advanceTimersByTime(40);
  expect(texts('agent')).toEqual(['a', 'abc']);
});

test('chat frames are fewer than agent frames, and the last text is never held back', () => {
  const { tell, texts, seen } = feed();
  const live = view('');
  for (let i = 0; i < 10; i += 1) {
    live.text += 'x';
    tell({ t: 'delta', ...NAMED, text: 'x' }, live);
    vi.advanceTimersByTime(40);
  }
  live.text += '!';
  tell({ t: 'delta', ...NAMED, text: '!' }, live);
  tell(
    end({ outcome: 'final', message: { content: [{ type: 'text', text: live.text }], timestamp: 2 } }),
    live,
  );
  expect(texts('agent').at(-1)).toBe('xxxxxxxxxx!');
  expect(texts('chat').length).toBeLessThan(texts('agent').length / 2);
  expect(seen().slice(-2)).toEqual(['agent lifecycle', 'chat final']);
});

test.each([
  [
    'final',
    { message: { content: [{ type: 'thinking' }, { type: 'text', text: 'yes' }], timestamp: 2 } },
    { message: { role: 'assistant', content: [{ type: 'text', text: 'yes' }], timestamp: 2 } },
  ],
  ['final', { message: { content: [], timestamp: 2 } }, {}],
  ['aborted', { stopReason: 'stop' }, { stopReason: 'stop' }],
  ['aborted', {}, { stopReason: 'rpc' }],
  ['error', { error: { code: 'TIMEOUT', message: 'too late' } }, { errorMessage: 'too late' }],
] as const)('%s, with what it carries: %j', (outcome, more, carried) => {
  const { tell, frames } = feed();
  tell(end({ outcome, ...more }), view());
  const named = { runId: 'r', sessionKey: 'Main', seq: 1, cursor: 's/1-1' };
  expect(frames.at(-1)?.said).toEqual({ ...named, state: outcome, ...carried });
  expect(frames.map(({ droppable }) => droppable)).toEqual([false, false]);
});

test('a command has no life to report the end of', () => {
  const { tell, seen } = feed();
  tell(end({ kind: 'command', outcome: 'final', message: { content: [] } }), view());
  expect(seen()).toEqual(['chat final']);
});

test('another attempt says its text anew, even where it is the same', () => {
  const { tell, texts } = feed();
  tell({ t: 'delta', ...NAMED, text: 'a' }, view('a'));
  tell({ t: 'start', ...NAMED, shown: 'Main', attempt: 2, at: 1 }, view());
  vi.advanceTimersByTime(40);
  tell({ t: 'delta', ...NAMED, text: 'a' }, view('a'));
  expect(texts('agent')).toEqual(['a', 'a']);
});

test('text that was held back goes out before whatever follows it in its session', () => {
  const { tell, frames } = feed();
  const at = (cursor: string, text: string): RunView => ({ ...view(text), cursor });
  const note = { content: [{ type: 'text', text: 'note' }] };
  tell({ t: 'delta', ...NAMED, text: 'a' }, at('1-1', 'a'));
  tell({ t: 'delta', ...NAMED, text: 'b' }, at('1-2', 'ab'));
  tell(
    { t: 'injected', run: 'i', shown: 'Main', message: note },
    { ...at('1-3', ''), runId: 'i', turnId: 'i' },
  );
  tell({ t: 'delta', ...NAMED, text: 'c' }, at('1-4', 'abc'));
  tell({ t: 'thinking', ...NAMED, text: 'hm' }, at('1-5', 'abc'));
  tell({ t: 'delta', ...NAMED, text: 'd' }, at('1-6', 'abcd'));
  tell({ t: 'start', ...NAMED, shown: 'Main', attempt: 2, at: 1 }, at('1-7', ''));
  tell({ t: 'delta', ...NAMED, text: 'e' }, at('1-8', 'e'));
  tell(end({ outcome: 'error' }), at('1-9', 'e'));
  vi.advanceTimersByTime(1_000);
  expect(frames.map(({ said }) => said['cursor'])).toEqual([
    ...['s/1-1.1', 's/1-1.2', 's/1-2.1', 's/1-2.2', 's/1-3', 's/1-4.1', 's/1-4.2', 's/1-5'],
    ...['s/1-6.1', 's/1-6.2', 's/1-7', 's/1-8.1', 's/1-8.2', 's/1-9.3', 's/1-9'],
  ]);
  expect(frames.at(-3)?.said).toMatchObject({ state: 'delta', message: { content: [{ text: 'e' }] } });
});
