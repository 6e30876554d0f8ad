import { AppError } from '@moltbot/shared/errors';
import type { CatalogModel } from '@moltbot/config';
import { MAX_ATTEMPTS, NOTHING_SAID, readSaid, type Run } from '@moltbot/turns';
import { ProviderError } from '../domain/model.ts';
import { askOne, type Asking } from './ask-one.ts';
import type { Lease } from './lease.ts';
import type { TurnDeps, TurnResult, TurnSettings } from './turn.ts';

const PREFIX_REFUSED_STATUS = 400;

const nothing = { content: [] } as const;

/** Answers a turn with the first model that will. Never throws for what a provider or a user did. */
export async function runTurn(run: Run, deps: TurnDeps, lease: Lease): Promise<TurnResult> {
  const earlier = await readSaid(deps.redis, run);
  const result = notToBeAsked(run) ?? (await askModels({ run, deps, lease, earlier }));
  const ends = result.outcome === 'error' || result.outcome === 'aborted';
  // whoever watched has read it: an end that has no words of its own keeps those
  if (!ends || result.content.length > 0 || earlier.text === '') return result;
  return { ...result, content: [{ type: 'text', text: earlier.text }] };
}

/** The end of a turn that no model shall be asked about; undefined for all others. */
function notToBeAsked(run: Run): TurnResult | undefined {
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
  return undefined;
}

async function askModels(asking: Asking): Promise<TurnResult> {
  const { run, deps } = asking;
  const { catalogue } = deps.settings;
  let result: TurnResult | undefined;
  for (const model of catalogue.choices(run.content.agentId, run.content.model, run.content.lane)) {
    result = await askModel(asking, model);
    if (!saidNothing(result)) break;
  }
  return result ?? failed(unknownModel(run, deps.settings));
}

/** A provider that will not go on from a started answer, whatever the configuration says of it, is asked anew. */
async function askModel(asking: Asking, model: CatalogModel): Promise<TurnResult> {
  const result = await askOne(asking, model);
  const cause = result.error?.cause;
  const refused = cause instanceof ProviderError && cause.status === PREFIX_REFUSED_STATUS;
  if (result.continued !== true || !refused || !saidNothing(result)) return result;
  return await askOne({ ...asking, earlier: NOTHING_SAID }, model);
}

/** The provider failed before the first word, so another may be asked. */
function saidNothing({ outcome, content, error }: TurnResult): boolean {
  return outcome === 'error' && content.length === 0 && error?.code === 'PROVIDER_FAILED';
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
