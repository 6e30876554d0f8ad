import { expect, test } from 'vitest';
import { readCursor, type LoggedEvent, type RunEvent } from '@moltbot/shared/contracts';
import { replayOf } from '../adapters/run-views.ts';
import { resumeFrom } from './replay.ts';

type Answer = ReturnType<typeof resumeFrom>;

const SESSION = { sid: '7d1f0a52-9d3e-4d5a-9a3c-0d9b9d1c5a11', key: 'agent:main:main' } as const;
const NAMED = { tid: 't', run: 'r' } as const;
const SHOWN = { ...NAMED, shown: 'Main' } as const;

/** The stream `1-0`, `1-1`, …; what is asked for after a place in it. */
function after(place: string, ...events: RunEvent[]): Answer {
  const logged = events.map((e, at): LoggedEvent => ({ id: `1-${at}`, prev: '', n: at, e, ...SESSION }));
  const cursor = readCursor(place.includes('/') ? place : `${SESSION.sid}/${place}`);
  if (!cursor) throw new Error(place);
  return resumeFrom(replayOf(SESSION, logged), SESSION.sid, cursor, () => 0);
}

const accepted = { t: 'accepted', ...SHOWN } as const;
const start = { t: 'start', ...SHOWN, attempt: 1, at: 7 } as const;
const say = (text: string) => ({ t: 'delta', ...NAMED, text }) as const;
const think = (text: string) => ({ t: 'thinking', ...NAMED, text }) as const;
const end = { t: 'end', ...SHOWN, outcome: 'aborted', kind: 'chat', startedAt: 7, endedAt: 8 } as const;
type Told = { cursor: string; state?: string; stream?: string; data?: { text?: string }; message?: Said };
type Said = { content: { text: string }[] };
const told = ({ frames }: Answer): string[] =>
  frames.map(({ event, payload }) => {
    const { data, state, stream, cursor, message } = payload as unknown as Told;
    const text = message?.content[0]?.text ?? data?.text ?? '';
    return `${event} ${state ?? stream} ${cursor.split('/')[1]} ${text}`.trim();
  });

test('text in a row is told once, as it was last; everything else is told each time', () => {
  const answer = after(
    '1-1',
    accepted,
    start,
    say('a'),
    say('b'),
    think('x'),
    think('y'),
    say('c'),
    say('d'),
    end,
  );
  expect(told(answer)).toEqual([
    ...['agent assistant 1-3.1 ab', 'chat delta 1-3.2 ab', 'agent thinking 1-4 x', 'agent thinking 1-5 xy'],
    ...['agent assistant 1-7.1 abcd', 'chat delta 1-7.2 abcd', 'agent lifecycle 1-8.3', 'chat aborted 1-8'],
  ]);
  expect(answer).toMatchObject({ gap: false, cursor: `${SESSION.sid}/1-8`, runs: [] });
});

test.each([
  ['1-2.1', ['chat delta 1-2.2 a']],
  ['1-2.2', []],
] as const)('after %s, between the frames of one event, the rest of it follows', (place, rest) => {
  expect(told(after(place, accepted, start, say('a')))).toEqual(rest);
  expect(told(after('1-3.3', accepted, start, say('a'), end))).toEqual(['chat aborted 1-3']);
});

test('what is new of a text is what comes after the cursor', () => {
  const { frames } = after('1-2.2', accepted, start, say('one '), say('two '), say('three'));
  expect(frames[0]?.payload).toMatchObject({ data: { text: 'one two three', delta: 'two three' } });
});

test('runs under way are shown whole, those that wait as well', () => {
  const next = { t: 'accepted', tid: 't2', run: 'r2', shown: 'Main' } as const;
  const { runs } = after('1-4', accepted, start, think('hm'), say('so far'), next);
  expect(runs).toEqual([
    {
      runId: 'r',
      sessionKey: 'Main',
      state: 'running',
      text: 'so far',
      thinking: 'hm',
      startedAt: 7,
      attempt: 1,
    },
    { runId: 'r2', sessionKey: 'Main', state: 'waiting', text: '', attempt: 1 },
  ]);
});

test.each([
  ['is gone', '1-9'],
  ['is of another generation', '0c1f0a52-9d3e-4d5a-9a3c-0d9b9d1c5a11/1-0'],
])('a cursor that %s is answered with a snapshot', (_what, place) => {
  const answer = after(place, accepted, start, say('a'));
  expect(answer).toMatchObject({
    gap: true,
    frames: [],
    cursor: `${SESSION.sid}/1-2`,
    runs: [{ text: 'a' }],
  });
});

test('so is one in a run whose beginning is gone: its text would not be whole', () => {
  expect(after('1-0', say('b'), say('c'))).toMatchObject({ gap: true, frames: [] });
  expect(after('1-2', say('b'), end, accepted)).toMatchObject({ gap: false });
});

test('and too much to answer', () => {
  const flood = Array.from({ length: 100 }, () => think('x'.repeat(10_000)));
  expect(after('1-0', accepted, start, ...flood)).toMatchObject({ gap: true, frames: [] });
});

test('an empty stream has nothing newer than what the client has', () => {
  expect(after('1-7')).toMatchObject({ gap: true, cursor: `${SESSION.sid}/1-7` });
  expect(after('other/1-7')).toMatchObject({ gap: true, cursor: `${SESSION.sid}/0-0` });
});
