import type { Browser } from 'playwright-core';
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
import { startProduct } from './support.ts';
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
