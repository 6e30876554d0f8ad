/** Loads a published openclaw-node; the type says what both versions have in common and what we use. */
import type { EventEmitter } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { install } from './install.ts';
import type { Product } from './product.ts';
import type { Recipe } from './recipes.ts';

export type Chunk = Readonly<{ type: string; text: string; runId?: string }>;
export type ChatOptions = Readonly<{ sessionKey?: string; agentId?: string }>;
export type Subscription = Readonly<{ unsubscribe(): Promise<void> }>;
export type GatewayEvent = Readonly<{ event: string; payload: Record<string, unknown> }>;

export interface OpenClawClient extends EventEmitter {
  readonly isConnected: boolean;
  readonly availableMethods: readonly string[];
  connect(): Promise<Record<string, unknown>>;
  disconnect(): Promise<void>;
  chat(message: string, options?: ChatOptions): AsyncGenerator<Chunk>;
  chatSync(message: string, options?: ChatOptions): Promise<string>;
  chatAbort(sessionKey: string, runId?: string): Promise<unknown>;
  agentWait(runId: string): Promise<unknown>;
  health(): Promise<unknown>;
  request(method: string, params?: object): Promise<{ payload: unknown }>;
  readonly agents: { list(): Promise<unknown> };
  readonly config: { get(): Promise<unknown> };
  readonly sessions: {
    list(): Promise<unknown>;
    history(sessionKey: string): Promise<unknown>;
    describe(key: string): Promise<unknown>;
    reset(key: string): Promise<unknown>;
    delete(key: string): Promise<unknown>;
    subscribeMessages(key: string, handler: (event: GatewayEvent) => void): Promise<Subscription>;
  };
}

type Options = Readonly<{
  url: string;
  token: string;
  scopes?: readonly string[];
  deviceIdentityPath?: string;
  autoReconnect?: boolean;
}>;
type Package = Readonly<{ OpenClawClient: new (options: Options) => OpenClawClient }>;

/** Makes clients of one version for one gateway, and ends them all with it. */
export class OpenClawNode implements AsyncDisposable {
  readonly identityPath: string;
  readonly #package: Package;
  readonly #product: Product;
  readonly #folder: string;
  readonly #clients: OpenClawClient[] = [];

  private constructor(loaded: Package, product: Product, folder: string) {
    this.#package = loaded;
    this.#product = product;
    this.#folder = folder;
    this.identityPath = join(folder, 'device-identity.json');
  }

  static async load(recipe: Recipe, product: Product): Promise<OpenClawNode> {
    const entry = pathToFileURL(join(await install(recipe), recipe.provides));
    const loaded = (await import(entry.href)) as Package;
    return new OpenClawNode(loaded, product, await mkdtemp(join(tmpdir(), 'moltbot-openclaw-node-')));
  }

  client(options: Partial<Options> = {}): OpenClawClient {
    const { wsUrl: url, token } = this.#product;
    const made = new this.#package.OpenClawClient({
      url,
      token,
      deviceIdentityPath: this.identityPath,
      ...options,
    });
    made.on('error', () => undefined); // an EventEmitter's unheard error would end the test run
    this.#clients.push(made);
    return made;
  }

  async connected(options: Partial<Options> = {}): Promise<OpenClawClient> {
    const made = this.client(options);
    await made.connect();
    return made;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((made) => made.disconnect()));
    await rm(this.#folder, { recursive: true, force: true });
  }
}
