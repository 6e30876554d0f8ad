import type { Browser, Page } from 'playwright-core';
import { mkdir } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import {
  ask,
  askAndWait,
  finishedAnswers,
  newChat,
  openBrowser,
  openTab,
  questions,
  runningAnswer,
  shoot,
  signIn,
} from './page.ts';
import { startCluster } from '../support/cluster.ts';
import { openDoor } from '../support/door.ts';
import { buildPage, SHOTS, startProduct } from './support.ts';
import type { Product } from './support.ts';

let product: Product;
let browser: Browser;

beforeAll(async () => {
  [product, browser] = await Promise.all([startProduct(), openBrowser()]);
  return async () => {
    await browser.close();
    await product[Symbol.asyncDispose]();
  };
});

test('the page comes back by itself after a restart, and sends what was written meanwhile', async () => {
  await using tab = await openTab(browser);
  const { page } = tab;
  await signIn(page, product.url);
  await newChat(page);
  await askAndWait(page, '#echo before the restart');
  await product.stop();
  const status = page.locator('.status-line');
  await status
    .getByText(/Reconnecting in|Connecting/)
    .first()
    .waitFor();
  await ask(page, '#echo written while it was away');
  await page.getByText('Will be sent when the connection is back.').waitFor();
  await shoot(page, 'reconnecting');
  await product.start();
  await finishedAnswers(page).getByText('written while it was away').waitFor();
  await expect.poll(() => status.innerText()).toBe('');
  await finishedAnswers(page).getByText('before the restart').waitFor();
  expect(await questions(page).count()).toBe(2);
});

test('an answer that was running during a restart ends whole or says that it is not', async () => {
  await using tab = await openTab(browser);
  const { page } = tab;
  await signIn(page, product.url);
  await newChat(page);
  await ask(page, '#delay 60 #tokens 150');
  await runningAnswer(page).getByText(/t1 t2/).waitFor();
  await product.stop();
  await page.getByText('Waiting for the connection').waitFor();
  await product.start();
  await finishedAnswers(page).first().waitFor({ timeout: 60_000 });
  const text = await finishedAnswers(page).first().innerText();
  const isWhole = text.includes('t150');
  expect(await page.locator('.answer .notice').count()).toBe(isWhole ? 0 : 1);
  expect(await questions(page).count()).toBe(1);
});

test('T-7: an answer goes on through another gateway when the one that brought it is killed', async () => {
  await Promise.all([buildPage(), mkdir(SHOTS, { recursive: true })]);
  await using cluster = await startCluster({ gateways: 2, workers: 1 });
  const [first, second] = cluster.gateways;
  if (!first || !second) throw new Error('two gateways');
  await using door = await openDoor([first.port]);
  await using tab = await openTab(browser);
  const { page } = tab;
  await signIn(page, `${door.wsUrl.replace('ws', 'http')}/`, cluster.token);
  await newChat(page);
  await askAndWait(page, '#echo said before');
  await ask(page, '#delay 50 #tokens 250');
  await runningAnswer(page).getByText(/t1 t2/).waitFor();
  await watchAnswer(page);
  door.point([]);
  await first.signal('SIGKILL');
  const status = page.locator('.status-line');
  await status
    .getByText(/Reconnecting in|Connecting/)
    .first()
    .waitFor();
  await runningAnswer(page).getByText(/t1 t2/).waitFor(); // what was said stays
  await shoot(page, 'reconnecting-in-an-answer');
  door.point([second.port]);
  await expect.poll(() => status.innerText(), { timeout: 30_000 }).toBe('');
  await shoot(page, 'going-on-elsewhere');
  await finishedAnswers(page).getByText('t250').waitFor({ timeout: 60_000 });
  const answers = (await finishedAnswers(page).allInnerTexts()).map((text) => text.replace(/\s+Copy$/, ''));
  expect(answers).toEqual(['said before', counted(250)]);
  expect(await questions(page).count()).toBe(2);
  expect(await page.evaluate(() => (globalThis as { shrunk?: string[] }).shrunk)).toEqual([]);
});

const counted = (tokens: number): string => Array.from({ length: tokens }, (_, at) => `t${at + 1}`).join(' ');

/** Notes whenever the second answer on the page is shorter than it was, or away. */
async function watchAnswer(page: Page): Promise<void> {
  await page.evaluate(() => {
    const shrunk: string[] = [];
    Object.assign(globalThis, { shrunk });
    let before = '';
    const look = (): void => {
      const answer = document.querySelectorAll('.answer')[1];
      const now = answer?.querySelector('.markdown')?.textContent ?? '';
      if (now.length < before.length) shrunk.push(`${before} -> ${now}`);
      before = now;
    };
    new MutationObserver(look).observe(document.body, {
      subtree: true,
      childList: true,
      characterData: true,
    });
  });
}
