/**
 * The Control UI as the clawdbot package ships it, served unchanged from a folder of its own and
 * opened in a real browser. The few values upstream's gateway writes into the page are written here.
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { install } from './install.ts';
import { CLAWDBOT } from './recipes.ts';

const ASSETS = 'node_modules/clawdbot/dist/control-ui';
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.ico': 'image/x-icon',
};
const INJECTED =
  '<script>window.__CLAWDBOT_CONTROL_UI_BASE_PATH__="";window.__CLAWDBOT_ASSISTANT_NAME__="Assistant";' +
  'window.__CLAWDBOT_ASSISTANT_AVATAR__="A";</script></head>';
const BROWSER_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export type OpenPage = Readonly<{ page: Page; failures: string[] }>;

export class ControlUi implements AsyncDisposable {
  readonly url: string;
  readonly #browser: Browser;
  readonly #owned: AsyncDisposableStack;

  private constructor(url: string, browser: Browser, owned: AsyncDisposableStack) {
    this.url = url;
    this.#browser = browser;
    this.#owned = owned;
  }

  static async start(): Promise<ControlUi> {
    await using started = new AsyncDisposableStack();
    const folder = join(await install(CLAWDBOT), ASSETS);
    const server = createServer((request, response) => void serve(folder, request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    started.defer(async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
    const browser = await chromium.launch({
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      args: BROWSER_FLAGS,
    });
    started.defer(() => browser.close());
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the page has no address');
    return new ControlUi(`http://127.0.0.1:${address.port}`, browser, started.move());
  }

  /** A browser of somebody else: nothing stored, and what the page throws is kept. */
  async open(gatewayUrl: string, token: string): Promise<OpenPage> {
    const context = await this.#browser.newContext({ viewport: { width: 1_400, height: 1_000 } });
    await context.route(
      (url) => url.hostname !== '127.0.0.1', // its logo lives on the internet; no test needs that
      (route) => route.abort(),
    );
    const page = await context.newPage();
    const failures: string[] = [];
    page.on('pageerror', (error) => failures.push(String(error)));
    page.on('console', (message) => {
      if (message.text().startsWith('[gateway]')) failures.push(message.text());
    });
    const query = new URLSearchParams({ gatewayUrl, token });
    await page.goto(`${this.url}/?${query.toString()}`);
    return { page, failures };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned.disposeAsync();
  }
}

async function serve(folder: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  const asset = extname(pathname) === '' ? '/index.html' : normalize(pathname);
  const body = await readFile(join(folder, asset)).catch(() => undefined);
  response.statusCode = body === undefined ? 404 : 200;
  response.setHeader('content-type', MEDIA_TYPES[extname(asset)] ?? 'application/octet-stream');
  const isPage = asset === '/index.html' && body !== undefined;
  response.end(isPage ? body.toString().replace('</head>', INJECTED) : body);
}
