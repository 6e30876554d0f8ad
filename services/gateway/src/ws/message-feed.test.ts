import { expect, test } from 'vitest';
import type { NumberedRecord, RunEvent } from '@moltbot/shared/contracts';
import type { RunView } from '../domain/ports.ts';
import { createMessageFeed } from './message-feed.ts';

const named = { tid: 't', run: 'r', shown: 'main' } as const;
const start: RunEvent = { t: 'start', ...named, attempt: 1, at: 1 };
const view: RunView = {
  ...{ runId: 'r', turnId: 't', sid: 's', key: 'agent:main:main', shownKey: 'main' },
  ...{ text: '', thinking: '', n: 0, startedAt: 1, attempt: 1, cursor: '1-1' },
};
const asked: NumberedRecord = {
  seq: 1,
  fence: 1,
  record: { type: 'user', turnId: 't', runId: 'r', content: [{ type: 'text', text: 'hello' }], timestamp: 1 },
};

test('what was asked is told once, though the turn begins again with the same attempt', async () => {
  const told: string[] = [];
  const feed = createMessageFeed(
    () => true,
    async () => await Promise.resolve({ records: [asked], entry: undefined }),
    (_key, payload) => void told.push((JSON.parse(payload) as { messageId: string }).messageId),
  );
  feed(start, view);
  feed(start, view);
  await new Promise(setImmediate);
  expect(told).toEqual(['r:user']);
});
