import { createRequire } from 'node:module';
import { join } from 'node:path';
import type Axe from 'axe-core';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { SHOTS, TOKEN } from './support.ts';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export function openBrowser(...more: string[]): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
    args: [...FLAGS, ...more],
  });
}

export const DESKTOP: BrowserContextOptions = {
  viewport: { width: 1280, height: 820 },
  locale: 'en-US',
  colorScheme: 'light',
};
export const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  locale: 'en-US',
  isMobile: true,
  hasTouch: true,
};

/** A tab of a fresh profile, and everything it complained about. */
export type Tab = AsyncDisposable & { readonly page: Page; readonly complaints: readonly string[] };

export async function openTab(browser: Browser, options: BrowserContextOptions = DESKTOP): Promise<Tab> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  return { page, complaints, [Symbol.asyncDispose]: () => context.close() };
}

export async function signIn(page: Page, url: string, token = TOKEN): Promise<void> {
  await page.goto(`${url}?token=${token}`);
  await composer(page).waitFor();
}

export const composer = (page: Page): Locator => page.locator('#composer');
export const questions = (page: Page): Locator => page.locator('.question-text');
export const runningAnswer = (page: Page): Locator => page.locator('.answer.running');
export const finishedAnswers = (page: Page): Locator => page.locator('.answer:not(.running)');
export const sessionRows = (page: Page): Locator => page.locator('.session-open');

export async function ask(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await composer(page).press('Enter');
}

/** Asks and waits for the end, whatever it is. */
export async function askAndWait(page: Page, text: string): Promise<Locator> {
  const before = await finishedAnswers(page).count();
  await ask(page, text);
  const answer = finishedAnswers(page).nth(before);
  await answer.waitFor();
  return answer;
}

export async function newChat(page: Page): Promise<void> {
  await page.locator('.new-chat').click();
  await page.locator('.empty').waitFor();
}

export async function shoot(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(SHOTS, `${name}.png`) });
}

type Finding = { id: string; impact: string | null | undefined; help: string; nodes: string[] };

/** What axe-core finds serious or critical in the page as it is now. */
export async function seriousViolations(page: Page): Promise<Finding[]> {
  // The page's CSP forbids foreign script tags; the debugger's own evaluation is not bound by it.
  const { source } = createRequire(import.meta.url)('axe-core') as { source: string };
  await page.evaluate(source);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof Axe };
    const { violations } = await axe.run(document);
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, impact, help, nodes }) => ({
        id,
        impact,
        help,
        nodes: nodes.map(({ html }) => html.slice(0, 160)),
      }));
  });
}
