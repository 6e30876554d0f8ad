import { AppError } from '@moltbot/shared/errors';
import type { Redis } from '@moltbot/shared/redis';
import type { CatalogModel } from '@moltbot/config';
import { emitEvent, MAX_ATTEMPTS, type Run } from '@moltbot/turns';
import { modelCall } from '../domain/model-call.ts';
import { ProviderError } from '../domain/model.ts';
import { startCall, type Answer, type PaidCall, settleCall } from './ask-model.ts';
import { compacted, type Context } from './compact.ts';
import { HANDED_OVER, type Lease } from './lease.ts';
import { createPublisher, type Publisher } from './publisher.ts';
import type { TurnDeps, TurnResult, TurnSettings } from './turn.ts';

const nothing = { content: [] } as const;

/** Answers a turn with the first model that will. Never throws for what a provider or a user did. */
export async function runTurn(run: Run, deps: TurnDeps, lease: Lease): Promise<TurnResult> {
  if (run.abortReason === 'cold')
    return failed(
      new AppError(
        'UNAVAILABLE',
        'the session could not be read back from the archive in time; send the message again later',
      ),
    );
  if (run.abortReason !== '')
    return { ...nothing, outcome: 'aborted', stopReason: 'aborted', abortReason: run.abortReason };
  if (run.attempt > MAX_ATTEMPTS)
    return failed(
      new AppError(
        'INTERRUPTED',
        `the answer was interrupted ${MAX_ATTEMPTS} times and given up; send the message again`,
      ),
    );
  const models = deps.settings.catalogue.choices(run.content.agentId, run.content.model, run.content.lane);
  let result: TurnResult | undefined;
  for (const model of models) {
    result = await askOne(run, deps, lease, model);
    const tryNext =
      result.outcome === 'error' && result.content.length === 0 && result.error?.code === 'PROVIDER_FAILED';
    if (!tryNext) break;
  }
  return result ?? failed(unknownModel(run, deps.settings));
}

function failed(error: AppError): TurnResult {
  return { ...nothing, outcome: 'error', stopReason: 'error', error };
}

function unknownModel(run: Run, settings: TurnSettings): AppError {
  const { catalogue } = settings;
  const wanted = run.content.model ?? '(none configured)';
  const why = catalogue.denies(wanted)
    ? 'is not allowed by agents.defaults.models; allowed'
    : 'is not configured; known';
  const refs = catalogue.models.slice(0, 8).map(({ ref }) => ref);
  return new AppError('INVALID_REQUEST', `model ${wanted} ${why}: ${refs.join(', ')}`);
}

async function askOne(run: Run, deps: TurnDeps, lease: Lease, model: CatalogModel): Promise<TurnResult> {
  const publisher = turnPublisher(run, deps.redis, lease);
  let paid: PaidCall | undefined;
  let extra: Context['made'] | undefined;
  try {
    const ask = deps.provider(model, deps.settings.catalogue.apiKey(model.provider));
    const context = await compacted(run, deps, lease, model, ask);
    extra = context.made;
    const call = modelCall(run.content, model, context.messages, deps.settings);
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
      return { ...nothing, outcome: 'lost', stopReason: 'error' };
    }
    const spent = { usage: paid.usage(0), money: paid.money };
    return { outcome: 'final', content: answer.content, stopReason: answer.stop, model, ...spent, ...extra };
  } catch (cause) {
    return { ...(await broken(cause, deps.redis, lease, publisher.text.text(), paid)), model, ...extra };
  }
}

type TurnPublishers = Readonly<{ text: Publisher; thinking: Publisher }>;

function turnPublisher(run: Run, redis: Redis, lease: Lease): TurnPublishers {
  const named = { tid: run.content.turnId, run: run.content.runId } as const;
  const publisher = (t: 'delta' | 'thinking'): Publisher =>
    createPublisher(async (text) => await emitEvent(redis, run, { t, ...named, text }), lease.notice);
  return { text: publisher('delta'), thinking: publisher('thinking') };
}

async function consume(
  paid: PaidCall,
  publisher: TurnPublishers,
  lease: Lease,
  onFirstToken: () => void,
): Promise<Answer> {
  let first = true;
  for await (const event of paid.events) {
    if (lease.signal.aborted) throw new ProviderError('aborted');
    if (event.type === 'done') return { content: event.content, stop: event.stop };
    if (event.type === 'usage') continue;
    if (first) onFirstToken();
    first = false;
    (event.type === 'text' ? publisher.text : publisher.thinking).push(event.text);
  }
  throw new ProviderError(`${paid.model.provider} ended its answer without an end`);
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
  const reason = lease.signal.aborted ? String(lease.signal.reason) : undefined;
  const spent = paid === undefined ? {} : { usage: paid.usage(partial.length), money: paid.money };
  if (reason === 'lost' || reason === HANDED_OVER) {
    if (paid !== undefined) settleSoon(redis, paid, partial.length);
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

/** For a turn whose end another worker writes: it pays for its own call only. Waited for by nobody, for Redis may be what is away. */
function settleSoon(redis: Redis, paid: PaidCall, saidChars: number): void {
  settleCall(redis, paid, saidChars).catch(() => undefined);
}

function asAppError(cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  if (cause instanceof ProviderError) return new AppError('PROVIDER_FAILED', cause.message, { cause });
  return new AppError('INTERNAL', 'the worker failed; see its log', { cause });
}
