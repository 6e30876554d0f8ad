import type { ClientTool, ContentBlock, ContextMessage, Usage } from '@moltbot/shared/contracts';

/** What a model is asked, in no provider's dialect. */
export type ModelCall = Readonly<{
  system: string;
  messages: readonly ContextMessage[];
  tools: readonly ClientTool[];
  toolChoice?: unknown;
  /** `off`, `minimal`, `low`, `medium`, `high`, `xhigh`. */
  thinking: string;
  maxTokens: number;
  /** What the answer has begun with: the model goes on from there, and what it says comes after it. */
  prefix?: string;
}>;

export type ModelStop = 'stop' | 'length' | 'toolUse';

/**
 * `done` comes exactly once and last; a stream that ends without it throws. `usage` may come
 * earlier, so that a call that is cut short is still paid for as far as the provider has said.
 */
export type ModelEvent =
  | Readonly<{ type: 'usage'; usage: TokenCounts }>
  | Readonly<{ type: 'text'; text: string }>
  | Readonly<{ type: 'thinking'; text: string }>
  | Readonly<{ type: 'done'; content: readonly ContentBlock[]; usage: TokenCounts; stop: ModelStop }>;

export type TokenCounts = Omit<Usage, 'costMicroUsd'>;

/** Port to a provider. Retries before the first event are the adapter's; after it, failures throw. */
export type AskModel = (call: ModelCall, signal: AbortSignal) => AsyncIterable<ModelEvent>;

/** A provider's refusal or failure; the message is for the user and the log, and holds no secret. */
export class ProviderError extends Error {
  override readonly name = 'ProviderError';
  readonly status: number | undefined;

  constructor(message: string, options: ErrorOptions & { status?: number | undefined } = {}) {
    super(message, options);
    this.status = options.status;
  }
}

const REFUSALS: ReadonlySet<string> = new Set(['refusal', 'content_filter']);

/** For an end that is neither the model's own nor its limit: what was said so far must not look whole. */
export function brokenOff(reason: string): ProviderError {
  return new ProviderError(
    REFUSALS.has(reason)
      ? `the provider refused to go on (${reason})`
      : `the provider broke its answer off (${reason})`,
  );
}

/** Far more than any tool is called with; text and thinking have the turn's own limit. */
const MOST_TOOL_CHARS = 1_000_000;

/** A tool call's arguments with their next piece. They are kept here until they are whole, so they must have an end. */
export function grownArguments(json: string, piece: string): string {
  if (json.length + piece.length > MOST_TOOL_CHARS)
    throw new ProviderError('the provider sent a tool call without an end');
  return json + piece;
}

export const NO_TOKENS: TokenCounts = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
