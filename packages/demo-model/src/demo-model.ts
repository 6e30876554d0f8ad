import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FaultScriptQueue, type Fault } from './domain/faults.ts';
import { PromptCache } from './domain/prompt-cache.ts';
import { RepeatCounter } from './domain/repeats.ts';
import type { Model } from './http/context.ts';
import { handle } from './http/handler.ts';
import { Recorder, type RecordedRequest } from './recorder.ts';

export type DemoModelOptions = Readonly<{
  /** 0, the default, takes a free one. */
  port?: number;
  host?: '127.0.0.1';
  /** Pause between two tokens; 0, the default, is as fast as it can. */
  tokenDelayMs?: number;
  /** Keep the latest requests for `requests()`; on unless told. */
  record?: boolean;
  /** Serve `/__demo/*`; on unless told. Off where people other than testers can reach it. */
  control?: boolean;
  /** Refuse calls that do not present this key. */
  apiKey?: string;
}>;

export type DemoModel = AsyncDisposable & {
  /** `http://127.0.0.1:<port>`, without `/v1`. */
  readonly baseUrl: string;
  requests(): readonly RecordedRequest[];
  clearRequests(): void;
  /** What goes wrong with the next calls, in order; replaces what was still pending. */
  script(next: Fault | readonly Fault[]): void;
};

export async function startDemoModel(options: DemoModelOptions = {}): Promise<DemoModel> {
  const model = createModel(options);
  const server = createServer({ keepAliveTimeout: 60_000, noDelay: true }, (req, res) => {
    void handle(req, res, model);
  });
  server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}`,
    requests: () => model.recorder.list(),
    clearRequests: () => model.recorder.clear(),
    script: (next) => model.faults.load('kind' in next ? [next] : next),
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function createModel(options: DemoModelOptions): Model {
  let answers = 0;
  return {
    apiKey: options.apiKey,
    tokenDelayMs: options.tokenDelayMs ?? 0,
    controlled: options.control ?? true,
    faults: new FaultScriptQueue(),
    repeats: new RepeatCounter(),
    cache: new PromptCache(),
    recorder: new Recorder(options.record ?? true),
    nextId: () => (answers += 1),
  };
}
