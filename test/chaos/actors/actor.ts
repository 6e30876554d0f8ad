import type { SeenEnd, SentTurn } from '../../support/ledger-checker.ts';

/** A turn that is being lived through: what is seen of it is added as it comes. */
export type LiveTurn = SentTurn & { seenEnds: SeenEnd[] };

/** What one person's client went through, and what of it broke a promise. */
export type Diary = {
  readonly userId: string;
  readonly key: string;
  readonly turns: LiveTurn[];
  /** What the client had put together of each turn at its end. */
  readonly heard: string[];
  /** Broken promises, in words. */
  readonly faults: string[];
  /** Longest time without a sign of each turn, from its acceptance to its end, ms. */
  readonly silencesMs: number[];
  /** How long each lost connection was away, ms. */
  readonly absencesMs: number[];
  /** Turns that ended otherwise than whole, typed. */
  interrupted: number;
};

export const newDiary = (userId: string, key: string): Diary => ({
  userId,
  key,
  turns: [],
  heard: [],
  faults: [],
  silencesMs: [],
  absencesMs: [],
  interrupted: 0,
});

/** One person at one client. */
export type Actor = AsyncDisposable &
  Readonly<{
    diary: Diary;
    /** Says it once, whatever happens in between, and resolves when the turn has ended. */
    say(turn: LiveTurn): Promise<void>;
  }>;

/** Keeps the longest time between two signs of life. */
export function watchSilence(): Readonly<{ sign(): void; longestMs(): number }> {
  let lastMs = Date.now();
  let longest = 0;
  const sign = (): void => {
    const now = Date.now();
    longest = Math.max(longest, now - lastMs);
    lastMs = now;
  };
  return {
    sign,
    longestMs: () => {
      sign();
      return longest;
    },
  };
}

/** What an append-only client has put together must be what the model said, whole or up to where it was broken off. */
export function judgeText(
  diary: Diary,
  { runId, answer, mayBreak }: LiveTurn,
  text: string,
  whole: boolean,
): void {
  diary.heard.push(text);
  if (whole && text !== answer) diary.faults.push(`${runId}: a client put together "${text}" as whole`);
  if (!answer.startsWith(text)) diary.faults.push(`${runId}: a client was given "${text}"`);
  if (whole) return;
  diary.interrupted += 1;
  if (mayBreak !== true) diary.faults.push(`${runId}: broken off after "${text}"`);
}
