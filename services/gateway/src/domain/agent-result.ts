import type { SessionRecord } from '@moltbot/shared/contracts';
import type { EndOfRun } from './ports.ts';
import { textOf } from './transcript.ts';

/** The second answer of `agent`: `{runId, status, summary, result: {payloads, meta}}`. */
export function agentResult(runId: string, sid: string, event: EndOfRun): unknown {
  const record = event.message as Extract<SessionRecord, { type: 'assistant' }> | undefined;
  const { usage } = record ?? {};
  const total = usage ? usage.input + usage.output + usage.cacheRead + usage.cacheWrite : 0;
  const counts = {
    input: usage?.input ?? 0,
    output: usage?.output ?? 0,
    cacheRead: usage?.cacheRead ?? 0,
    cacheWrite: usage?.cacheWrite ?? 0,
    total,
  };
  const text = textOf(record?.content ?? []);
  return {
    runId,
    status: 'ok',
    summary: event.outcome === 'final' ? 'completed' : event.outcome,
    result: {
      payloads: text === '' ? [] : [{ text, mediaUrl: null }],
      meta: {
        durationMs: event.endedAt - event.startedAt,
        agentMeta: { sessionId: sid, provider: record?.provider, model: record?.model, usage: counts },
        aborted: event.outcome === 'aborted',
      },
    },
  };
}
