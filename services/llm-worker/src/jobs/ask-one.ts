import { AppError } from '@moltbot/shared/errors';
import type { Redis } from '@moltbot/shared/redis';
import type { CatalogModel } from '@moltbot/config';
import { emitEvent, type Run, type Said } from '@moltbot/turns';
import { modelCall } from '../domain/model-call.ts';
import { ProviderError } from '../domain/model.ts';
import { continued, joined } from '../domain/takeover.ts';
import { settleCall, startCall, type Answer, type PaidCall } from './ask-model.ts';
import { compacted, type Context } from './compact.ts';
import { HANDED_OVER, type Lease } from './lease.ts';
import { createPublisher, type Publisher } from './publisher.ts';
import type { TurnDeps, TurnResult } from './turn.ts';

export type Asking = Readonly<{
  run: Run;
  deps: TurnDeps;
  lease: Lease;
  /** What the model may go on from. */
  earlier: Said;
}>;

const LOST: TurnResult = { content: [], outcome: 'lost', stopReason: 'error' };

/** One model's answer to a turn, whole or broken. */
export async function askOne(asking: Asking, model: CatalogModel): Promise<TurnResult> {
  const { run, deps, lease } = asking;
  const publisher = turnPublisher(run, deps.redis, lease);
  let paid: PaidCall | undefined;
  let extra: Context['made'] | undefined;
  try {
    const ask = deps.provider(model, deps.settings.catalogue.apiKey(model.provider));
    const context = await compacted(run, deps, lease, model, ask);
    extra = context.made;
    const call = continued(
      modelCall(run.content, model, context.messages, deps.settings),
      model,
      asking.earlier,
    );
    paid = await startCall(
      deps.redis,
      ask,
      model,
      call,
      deps.settings.budget(model.provider),
      deps.settings.timeoutMs,
      lease.signal,
    );
    const answer = await consume(paid, publisher, lease, () => deps.onFirstToken(model.provider));
    await publisher.text.flush();
    if (lease.signal.reason === 'lost') {
      settleSoon(deps.redis, paid, 0);
      return LOST;
    }
    const content = joined(paid.prefix, answer.content);
    const spent = { usage: paid.usage(answer.uncountedChars), money: paid.money };
    return { outcome: 'final', content, stopReason: answer.stop, model, ...spent, ...extra };
  } catch (cause) {
    const result = await broken(cause, deps.redis, lease, publisher.text.text(), paid);
    return { ...result, model, ...extra, ...(paid?.prefix && { continued: true }) };
  }
}

type TurnPublishers = Readonly<{ text: Publisher; thinking: Publisher }>;

function turnPublisher(run: Run, redis: Redis, lease: Lease): TurnPublishers {
  const named = { tid: run.content.turnId, run: run.content.runId } as const;
  const publisher = (t: 'delta' | 'thinking'): Publisher =>
    createPublisher(async (text) => await emitEvent(redis, run, { t, ...named, text }), lease.notice);
  return { text: publisher('delta'), thinking: publisher('thinking') };
}

/**
 * Publishes what the model says as it says it. What it goes on from is said with its first word, not
 * before: until then another model may be asked, and everybody still sees what was said last time.
 */
async function consume(
  paid: PaidCall,
  publisher: TurnPublishers,
  lease: Lease,
  onFirstToken: () => void,
): Promise<Answer> {
  let chars = 0;
  for await (const event of paid.events) {
    if (lease.signal.aborted) throw new ProviderError('aborted');
    if (event.type === 'usage') continue;
    if (chars === 0 && paid.prefix !== '') publisher.text.push(paid.prefix);
    if (event.type === 'done') return { content: event.content, stop: event.stop, uncountedChars: 0 };
    if (chars === 0) onFirstToken();
    chars += event.text.length;
    (event.type === 'text' ? publisher.text : publisher.thinking).push(event.text);
    if (chars > paid.mostChars) return cutOff(paid, publisher.text.text(), chars);
  }
  throw new ProviderError(`${paid.model.provider} ended its answer without an end`);
}

/** A provider that knows no limit is left at ours, with the end that the limit has. */
function cutOff({ prefix }: PaidCall, said: string, uncountedChars: number): Answer {
  const text = said.slice(prefix.length);
  return { content: text === '' ? [] : [{ type: 'text', text }], stop: 'length', uncountedChars };
}

/** What a call that did not finish leaves behind: the partial text is kept, and never looks whole. */
async function broken(
  cause: unknown,
  redis: Redis,
  lease: Lease,
  partial: string,
  paid: PaidCall | undefined,
): Promise<TurnResult> {
  const content = partial === '' ? [] : [{ type: 'text', text: partial }];
  const saidChars = charsOf(partial, paid);
  const reason = lease.signal.aborted ? String(lease.signal.reason) : undefined;
  const spent = paid === undefined ? {} : { usage: paid.usage(saidChars), money: paid.money };
  if (reason === 'lost' || reason === HANDED_OVER) {
    if (paid !== undefined) settleSoon(redis, paid, saidChars);
    return { content, outcome: reason === 'lost' ? 'lost' : 'released', stopReason: 'error' };
  }
  if (reason !== undefined)
    return { content, outcome: 'aborted', stopReason: 'aborted', abortReason: reason, ...spent };
  const error = asAppError(cause);
  if (content.length === 0 && paid !== undefined && error.code === 'PROVIDER_FAILED') {
    // another model may be asked, and the turn's end settles only one hold
    return { content, outcome: 'error', stopReason: 'error', error, usage: await settleCall(redis, paid, 0) };
  }
  return { content, outcome: 'error', stopReason: 'error', error, ...spent };
}

/** Of what was said, those that this call has said. */
const charsOf = (partial: string, paid: PaidCall | undefined): number =>
  Math.max(0, partial.length - (paid?.prefix.length ?? 0));

/** For a turn whose end another worker writes: it pays for its own call only. Waited for by nobody, for Redis may be what is away. */
function settleSoon(redis: Redis, paid: PaidCall, saidChars: number): void {
  settleCall(redis, paid, saidChars).catch(() => undefined);
}

function asAppError(cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  if (cause instanceof ProviderError) return new AppError('PROVIDER_FAILED', cause.message, { cause });
  return new AppError('INTERNAL', 'the worker failed; see its log', { cause });
}
