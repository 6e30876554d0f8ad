import type { Browser } from 'playwright-core';
import { createClient } from '@moltbot/client';
import { beforeAll, expect, test } from 'vitest';
import {
  askAndWait,
  composer,
  finishedAnswers,
  newChat,
  openBrowser,
  openTab,
  questions,
  sessionRows,
  signIn,
} from './page.ts';
import { startProduct, TOKEN } from './support.ts';
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

test('conversations are begun, switched, found again after a reload, renamed, searched and deleted', async () => {
  await using tab = await openTab(browser);
  const { page } = tab;
  await signIn(page, product.url);
  await newChat(page);
  await askAndWait(page, '#echo the first answer');
  await newChat(page);
  await askAndWait(page, '#echo the second answer');
  await sessionRows(page).filter({ hasText: 'the first answer' }).click();
  await finishedAnswers(page).getByText('the first answer').waitFor();
  expect(await questions(page).count()).toBe(1);

  await page.reload();
  await finishedAnswers(page).getByText('the first answer').waitFor();

  const row = page.locator('.session', { hasText: 'the first answer' });
  await row.hover();
  await row.getByRole('button', { name: /^Rename/ }).click();
  await page.getByLabel('Name', { exact: true }).fill('Kangaroo');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Kangaroo' }).waitFor();

  await page.keyboard.press('Control+k');
  await page.keyboard.type('kangaroo');
  await expect.poll(() => sessionRows(page).count()).toBe(1);
  await page.keyboard.press('ArrowDown');
  expect(await page.locator(':focus').innerText()).toContain('Kangaroo');

  const found = page.locator('.session', { hasText: 'Kangaroo' });
  await found.hover();
  await found.getByRole('button', { name: /^Delete/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('Nothing matches').waitFor();
  await page.getByRole('searchbox').fill('');
  await sessionRows(page).filter({ hasText: 'the second answer' }).waitFor();
  expect(await sessionRows(page).filter({ hasText: 'Kangaroo' }).count()).toBe(0);
});

test('a reset empties the conversation after it was confirmed', async () => {
  await using tab = await openTab(browser);
  const { page } = tab;
  await signIn(page, product.url);
  await newChat(page);
  await askAndWait(page, '#echo soon forgotten');
  await page.getByRole('button', { name: 'Start this conversation afresh' }).click();
  await page.getByRole('button', { name: 'Cancel' }).click();
  expect(await questions(page).count()).toBe(1);
  await page.getByRole('button', { name: 'Start this conversation afresh' }).click();
  await page.getByRole('button', { name: 'Start afresh', exact: true }).click();
  await page.locator('.empty').waitFor();
  const answer = await askAndWait(page, '#history');
  expect(await answer.innerText()).not.toContain('soon forgotten');
});

test('the thinking level belongs to the conversation and outlives a reload', async () => {
  await using tab = await openTab(browser);
  const { page } = tab;
  await signIn(page, product.url);
  await newChat(page);
  await askAndWait(page, '#echo hello');
  await page.getByLabel('Thinking', { exact: true }).selectOption('high');
  await page.reload();
  await composer(page).waitFor();
  await expect.poll(() => page.getByLabel('Thinking', { exact: true }).inputValue()).toBe('high');
});

test('older messages come when the reader scrolls up, and the place on screen is kept', async () => {
  const key = `agent:main:web-${crypto.randomUUID()}`;
  await seed(key, 70);
  await using tab = await openTab(browser);
  const { page } = tab;
  await signIn(page, product.url);
  await page.goto(`${product.url}#/chat/${encodeURIComponent(key)}`);
  await finishedAnswers(page).getByText('answer 70', { exact: true }).waitFor();
  expect(await questions(page).getByText('#echo answer 1', { exact: true }).count()).toBe(0);
  await page.locator('.log').focus();
  await page.keyboard.press('Home');
  await questions(page).getByText('#echo answer 1', { exact: true }).waitFor({ state: 'attached' });
  expect(await page.locator('.log').evaluate((log) => log.scrollTop)).toBeGreaterThan(0);
});

/** Makes turns through the same client the page uses, without a page. */
async function seed(sessionKey: string, turns: number): Promise<void> {
  const info = { id: 'gateway-client', mode: 'backend', version: '0', platform: 'test' } as const;
  const client = createClient({ url: product.url.replace('http', 'ws'), token: TOKEN, client: info });
  for (let turn = 1; turn <= turns; turn++) {
    const message = `#echo answer ${turn}`;
    await client.request(
      'agent',
      { message, sessionKey, idempotencyKey: crypto.randomUUID() },
      { expectFinal: true },
    );
  }
  client.close();
}
