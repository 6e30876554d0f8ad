import { Agent } from 'node:http';
import { streamOnce } from './stream-once.ts';
import type { Target } from './target.ts';

export type LoadResult = Readonly<{
  firstTokensMs: readonly number[];
  totalsMs: readonly number[];
  wallSeconds: number;
  /** The first faults, worded; `faulty` counts them all. */
  faults: readonly string[];
  faulty: number;
}>;

const FAULTS_KEPT = 3;

/** Keeps `concurrency` streams open for `seconds`, each on its own connection; checks every text. */
export async function runLoad(
  target: Target,
  expected: string,
  concurrency: number,
  seconds: number,
): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  const [firstTokensMs, totalsMs, faults]: [number[], number[], string[]] = [[], [], []];
  let faulty = 0;
  const startedAtMs = performance.now();
  const endAtMs = startedAtMs + seconds * 1_000;

  async function lane(): Promise<void> {
    while (performance.now() < endAtMs) {
      const { firstTokenMs, totalMs, text, fault } = await streamOnce(target, agent);
      const wrong = fault ?? (text === expected ? undefined : `wrong text: “${text}”`);
      if (wrong === undefined) {
        firstTokensMs.push(firstTokenMs);
        totalsMs.push(totalMs);
        continue;
      }
      faulty += 1;
      if (faults.length < FAULTS_KEPT) faults.push(wrong);
    }
  }

  await Promise.all(Array.from({ length: concurrency }, lane));
  agent.destroy();
  return { firstTokensMs, totalsMs, wallSeconds: (performance.now() - startedAtMs) / 1_000, faults, faulty };
}
