import type { Browser, Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  ask,
  askAndWait,
  composer,
  DESKTOP,
  finishedAnswers,
  newChat,
  openBrowser,
  openTab,
  PHONE,
  runningAnswer,
  seriousViolations,
  shoot,
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

/** The states a person sees most, each checked and photographed. */
async function visit(page: Page, name: string): Promise<void> {
  await page.goto(product.url);
  await page.locator('input[name=token]').waitFor();
  await check(page, `${name}-sign-in`);
  await signIn(page, product.url);
  if (await page.locator('.new-chat').isVisible()) await newChat(page);
  await page.locator('.empty').waitFor();
  await check(page, `${name}-empty`);
  await askAndWait(page, 'Show me some markdown');
  await check(page, `${name}-answer`);
  await ask(page, '#delay 40 #tokens 600');
  await runningAnswer(page).getByText(/t1 t2/).waitFor();
  await check(page, `${name}-streaming`);
  await page.locator('.round-button.stop').click();
  await page.locator('.answer .notice').waitFor();
  await check(page, `${name}-stopped`);
}

/** A drawer is looked at when it has stopped moving. */
async function arrived(element: Element): Promise<void> {
  await Promise.all(element.getAnimations().map((animation) => animation.finished));
}

async function check(page: Page, name: string): Promise<void> {
  await shoot(page, name);
  expect(await seriousViolations(page), name).toEqual([]);
}

describe('no serious accessibility fault', () => {
  test('on a desktop, light, in English', async () => {
    await using tab = await openTab(browser);
    await visit(tab.page, 'desktop-light-en');
    expect(await tab.page.locator('html').getAttribute('lang')).toBe('en');
    await tab.page.getByRole('button', { name: 'Start this conversation afresh' }).click();
    await check(tab.page, 'desktop-light-en-dialog');
  });

  test('on a desktop, dark, in Chinese', async () => {
    await using tab = await openTab(browser, { ...DESKTOP, locale: 'zh-CN', colorScheme: 'dark' });
    await visit(tab.page, 'desktop-dark-zh');
    expect(await tab.page.locator('html').getAttribute('lang')).toBe('zh-CN');
  });

  test('on a phone, where nothing is wider than the screen', async () => {
    await using tab = await openTab(browser, PHONE);
    const { page } = tab;
    await visit(page, 'phone');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await page.getByRole('button', { name: 'Open the list of conversations' }).click();
    await page.locator('.sidebar').evaluate(arrived);
    await check(page, 'phone-drawer');
    await page.keyboard.press('Escape');
    await expect.poll(() => page.locator('.sidebar').isVisible()).toBe(false);
  });
});

test('language and appearance are chosen by the person and kept', async () => {
  await using tab = await openTab(browser);
  const { page } = tab;
  await signIn(page, product.url);
  await page.getByLabel('Language').selectOption('zh-CN');
  await page.getByRole('button', { name: '新对话' }).first().waitFor();
  await page.getByRole('button', { name: /外观/ }).click();
  await page.getByRole('button', { name: /外观/ }).click();
  const background = (): Promise<string> =>
    page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  expect(await background()).toBe('rgb(22, 24, 27)');
  await page.reload();
  await page.getByRole('button', { name: '新对话' }).first().waitFor();
  expect(await background()).toBe('rgb(22, 24, 27)');
});

test('everything goes by keyboard alone', async () => {
  await using tab = await openTab(browser);
  const { page } = tab;
  await page.goto(product.url);
  await page.locator('input[name=token]:focus').waitFor();
  await page.keyboard.type(TOKEN);
  await page.keyboard.press('Enter');
  await composer(page).waitFor();
  await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe('composer');

  await page.keyboard.type('#echo one');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('two');
  await page.keyboard.press('Enter');
  const answer = finishedAnswers(page).last();
  await answer.getByText(/one\s+two/).waitFor();

  await page.keyboard.press('Control+k');
  await page.keyboard.press('Shift+Tab');
  expect(await page.locator(':focus').innerText()).toContain('New chat');
  await page.keyboard.press('Enter');
  await page.locator('.empty').waitFor();
  await page.keyboard.type('#delay 30 #tokens 800');
  await page.keyboard.press('Enter');
  await runningAnswer(page).getByText(/t1 t2/).waitFor();
  await page.keyboard.press('Escape');
  await page.locator('.answer .notice').waitFor();
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('composer');

  await page.reload();
  await composer(page).waitFor();
  await page.locator('body').press('Tab');
  const reached = new Set<string>();
  for (let step = 0; step < 40; step++) {
    reached.add(
      await page.evaluate(
        () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '',
      ),
    );
    await page.keyboard.press('Tab');
  }
  for (const name of ['Skip to the conversation', 'Search conversations', 'Sign out', 'Attach images']) {
    expect([...reached]).toContain(name);
  }
});

test('a screen reader hears an answer in sentences and learns that it is complete', async () => {
  await using tab = await openTab(browser);
  const { page } = tab;
  await signIn(page, product.url);
  await newChat(page);
  const spoken = page.locator('[aria-live=polite].visually-hidden');
  await askAndWait(page, '#echo First sentence. Second sentence.');
  await expect.poll(() => spoken.innerText()).toContain('Answer complete.');
  expect(await spoken.innerText()).toContain('First sentence.');
});
