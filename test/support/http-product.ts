/** The product with a provider that the test can watch: which requests it got, and how they ended. */
import { startDemoModel, type DemoModel, type RecordedRequest } from '@moltbot/demo-model';
import { startStandalone, type Standalone } from './standalone.ts';

export type HttpProduct = AsyncDisposable &
  Readonly<{
    standalone: Standalone;
    model: DemoModel;
    post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Response>;
    /** The request to the provider whose body holds this text; waits for it. */
    asked(text: string): Promise<RecordedRequest>;
  }>;

/** One red pixel. */
export const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';

const ENTRY = { id: 'demo-1', name: 'Demo', input: ['text', 'image'], reasoning: true, maxTokens: 64_000 };

export async function startHttpProduct(): Promise<HttpProduct> {
  await using started = new AsyncDisposableStack();
  const model = started.use(await startDemoModel());
  const provider = { baseUrl: model.baseUrl, api: 'anthropic-messages', apiKey: 'demo', models: [ENTRY] };
  const standalone = started.use(
    await startStandalone({
      config: {
        models: { providers: { watched: provider } },
        agents: {
          defaults: { model: { primary: 'watched/demo-1' } },
          list: [{ id: 'main', default: true }, { id: 'second' }],
        },
      },
    }),
  );
  const owned = started.move();
  return {
    standalone,
    model,
    post: async (path, body, headers = {}) =>
      fetch(`${standalone.url}${path}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${standalone.token}`,
          'content-type': 'application/json',
          ...headers,
        },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    asked: (text) =>
      until(() => model.requests().findLast(({ body }) => JSON.stringify(body).includes(text)), text),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const WITHIN_MS = 15_000;

/** Looks again and again until there is something to see. */
async function until<T>(look: () => T | undefined | Promise<T | undefined>, what: string): Promise<T> {
  const deadlineMs = Date.now() + WITHIN_MS;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (Date.now() > deadlineMs) throw new Error(`never seen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export type SseEvent = Readonly<{ event: string | undefined; data: string }>;

/** A whole event stream, as its bytes say it. */
export async function sseEvents(response: Response): Promise<SseEvent[]> {
  const text = await response.text();
  const frames = text.split('\n\n').filter((frame) => frame !== '' && !frame.startsWith(':'));
  return frames.map((frame) => ({
    event: /^event: (.*)$/m.exec(frame)?.[1],
    data: /^data: (.*)$/m.exec(frame)?.[1] ?? '',
  }));
}
