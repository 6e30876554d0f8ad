import type { Usage } from '@moltbot/shared/contracts';
import type { AssistantRecord, EndOfRun } from './ports.ts';
import { textOf } from './transcript.ts';

const NO_USAGE: Usage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, costMicroUsd: 0 };

/** The second answer of `agent`: `{runId, status, summary, result: {payloads, meta}}`. */
export function agentResult(runId: string, sid: string, event: EndOfRun): unknown {
  const record = event.message as AssistantRecord | undefined;
  const text = textOf(record?.content ?? []);
  return {
    runId,
    status: 'ok',
    summary: event.outcome === 'final' ? 'completed' : event.outcome,
    result: {
      payloads: text === '' ? [] : [{ text, mediaUrl: null }],
      meta: {
        durationMs: event.endedAt - event.startedAt,
        agentMeta: {
          sessionId: sid,
          provider: record?.provider,
          model: record?.model,
          usage: counts(record?.usage ?? NO_USAGE),
        },
        aborted: event.outcome === 'aborted',
      },
    },
  };
}

function counts({ input, output, cacheRead, cacheWrite }: Usage): Record<string, number> {
  return { input, output, cacheRead, cacheWrite, total: input + output + cacheRead + cacheWrite };
}
