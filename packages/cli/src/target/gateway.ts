import type { MoltbotClient, RequestOptions } from '@moltbot/client';
import { createNodeClient } from '@moltbot/client/node';
import type { Command } from 'commander';
import { Failure, withNextStep } from '../failure.ts';
import type { Terminal } from '../terminal.ts';
import { VERSION } from '../version.ts';
import { resolveTarget, type Target, type TargetOptions } from './target.ts';

/** Long enough for a gateway under load, short enough for somebody who mistyped an address. */
const DEFAULT_TIMEOUT_MS = 10_000;

/** The options every command takes, wherever they stand on the line. */
export type ConnectOptions = TargetOptions & Readonly<{ timeout?: number; json?: boolean }>;

export const connectOptions = (command: Command): ConnectOptions => command.optsWithGlobals<ConnectOptions>();

export type Gateway = Disposable & {
  readonly target: Target;
  readonly client: MoltbotClient;
  readonly timeoutMs: number;
  /** From asking to the answer of the handshake. */
  readonly connectMs: number;
  /** Rejects with a Failure that names the next step. */
  call<T>(method: string, params?: unknown, options?: RequestOptions): Promise<T>;
  has(method: string): boolean;
};

type Extra = Readonly<{ reconnect?: boolean; mode?: 'cli' | 'probe' }>;

/**
 * One connection, without a device key: the token is who we are, and a key would have to be
 * kept somewhere. Without scopes asked for, the token's own count.
 */
export async function connectGateway(
  terminal: Terminal,
  options: ConnectOptions,
  extra: Extra = {},
): Promise<Gateway> {
  const target = resolveTarget(options, terminal.env);
  const timeoutMs = options.timeout ?? DEFAULT_TIMEOUT_MS;
  const startedAtMs = performance.now();
  const client = createNodeClient({
    url: target.url,
    token: target.token,
    client: { id: 'cli', mode: extra.mode ?? 'cli', version: VERSION, platform: process.platform },
    reconnect: extra.reconnect ?? false,
    connectTimeoutMs: timeoutMs,
  });
  await untilOpen(client, target, terminal.interrupted, Date.now() + timeoutMs);
  return {
    target,
    client,
    timeoutMs,
    connectMs: Math.round(performance.now() - startedAtMs),
    has: (method) => client.hello?.features.methods.includes(method) ?? false,
    call: <T>(method: string, params?: unknown, request: RequestOptions = {}) =>
      client.request<T>(method, params, { timeoutMs, ...request }).catch((error: unknown) => {
        throw withNextStep(error, { ...target, knownMethods: client.hello?.features.methods });
      }),
    [Symbol.dispose]: () => client.close(),
  };
}

const AGAIN_MS = 500;

/** A gateway whose Redis fails over says so, and is asked again: it takes some seconds. */
function untilOpen(
  client: MoltbotClient,
  target: Target,
  interrupted: AbortSignal,
  deadlineMs: number,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const onInterrupt = (): void => client.close();
  interrupted.addEventListener('abort', onInterrupt);
  let again: ReturnType<typeof setTimeout> | undefined;
  const stop = client.on('state', ({ status, reason = 'not connected', errorCode }) => {
    if (status === 'open') resolve(undefined);
    else if (status !== 'connecting' && errorCode === 'UNAVAILABLE' && Date.now() < deadlineMs)
      again = setTimeout(() => client.reconnect(), AGAIN_MS);
    else if (status === 'closed' || status === 'waiting') {
      const said =
        reason === 'handshake timeout' ? `no answer from ${target.url}: handshake timeout` : reason;
      reject(withNextStep(new Failure(said), target)); // before the close, which has a reason of its own
      client.close();
    }
  });
  return promise.finally(() => {
    clearTimeout(again);
    stop();
    interrupted.removeEventListener('abort', onInterrupt);
  });
}

/** Connects, runs, disconnects: the life of almost every command. Ctrl-C rejects what is waited for. */
export async function withGateway<T>(
  terminal: Terminal,
  command: Command,
  run: (gateway: Gateway) => Promise<T>,
): Promise<T> {
  using gateway = await connectGateway(terminal, connectOptions(command));
  const onInterrupt = (): void => gateway.client.close();
  terminal.interrupted.addEventListener('abort', onInterrupt);
  try {
    return await run(gateway);
  } finally {
    terminal.interrupted.removeEventListener('abort', onInterrupt);
  }
}
