import type { Browser } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import {
  ask,
  askAndWait,
  composer,
  finishedAnswers,
  newChat,
  openBrowser,
  openTab,
  questions,
  runningAnswer,
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

test('a wrong token is refused with what to do next, the right one opens the chat', async () => {
  await using tab = await openTab(browser);
  const { page } = tab;
  await page.goto(product.url);
  const field = page.getByLabel('Access token');
  await field.fill('not-the-token');
  await field.press('Enter');
  await page.getByText('The server did not accept this token.').waitFor();
  await page.getByText('ask your administrator').waitFor();
  await field.fill(TOKEN);
  await field.press('Enter');
  await composer(page).waitFor();
  expect(await page.evaluate(() => localStorage.getItem('moltbot.token'))).toBeNull();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await field.waitFor();
  await page.reload();
  await field.waitFor();
});

test('a token in the address is taken, removed from it, and outlives a reload', async () => {
  await using tab = await openTab(browser);
  const { page, complaints } = tab;
  await signIn(page, product.url);
  expect(page.url()).not.toContain(TOKEN);
  await page.reload();
  await composer(page).waitFor();
  expect(complaints).toEqual([]);
});

test('plain http inside a network, where browsers withhold half of their crypto, works', async () => {
  await using guest = await openBrowser('--host-resolver-rules=MAP chat.intranet.test 127.0.0.1');
  await using tab = await openTab(guest);
  const { page, complaints } = tab;
  await signIn(page, product.url.replace('127.0.0.1', 'chat.intranet.test'));
  expect(await page.evaluate(() => isSecureContext)).toBe(false);
  await newChat(page);
  const answer = await askAndWait(page, '#echo over plain http');
  await answer.getByText('over plain http').waitFor();
  await answer.getByRole('button', { name: 'Copy answer' }).click();
  await answer.getByText('Copied').waitFor();
  expect(complaints).toEqual([]);
});

test('an answer grows while it is made, and is whole at its end', async () => {
  await using tab = await openTab(browser);
  const { page } = tab;
  await signIn(page, product.url);
  await newChat(page);
  await ask(page, '#delay 25 #tokens 120');
  await runningAnswer(page).getByText(/t1 t2/).waitFor();
  expect(await runningAnswer(page).innerText()).not.toContain('t120');
  await finishedAnswers(page)
    .getByText(/t119 t120$/)
    .waitFor();
  expect(await page.locator('.notice').count()).toBe(0);
  await page.getByText('Demo model', { exact: true }).first().waitFor();
});

test('Escape stops the answer; what was said stays and never looks whole', async () => {
  await using tab = await openTab(browser);
  const { page } = tab;
  await signIn(page, product.url);
  await newChat(page);
  await ask(page, '#delay 40 #tokens 900');
  await runningAnswer(page).getByText(/t1 t2/).waitFor();
  await page.keyboard.press('Escape');
  const stopped = 'You stopped this answer, so it is incomplete.';
  await page.locator('.notice', { hasText: stopped }).waitFor();
  await page.reload();
  await page.locator('.notice', { hasText: stopped }).waitFor();
  expect(await finishedAnswers(page).innerText()).toContain('t1 t2');
});

test('markdown is shown as such, raw HTML as nothing, links open apart', async () => {
  await using tab = await openTab(browser);
  const { page, complaints } = tab;
  await signIn(page, product.url);
  await newChat(page);
  const shown = await askAndWait(page, 'Show me some markdown');
  await shown.locator('table').waitFor();
  await shown.locator('.code-block').getByRole('button', { name: 'Copy code' }).waitFor();
  const hostile =
    '#echo <img src=x onerror=alert(1)><script>alert(2)</script> ![](https://x.example/p.png) [a](https://x.example) [b](javascript:alert(3))';
  const answer = await askAndWait(page, hostile);
  expect(await answer.locator('.markdown :is(img, script)').count()).toBe(0);
  expect(await answer.getByText('a', { exact: true }).getAttribute('rel')).toContain('noopener');
  expect((await answer.getByText('b', { exact: true }).getAttribute('href')) ?? '').not.toContain(
    'javascript',
  );
  expect(complaints).toEqual([]);
});

test('a failing model is named in the answer, and asking again works', async () => {
  await using tab = await openTab(browser);
  const { page } = tab;
  await signIn(page, product.url);
  await newChat(page);
  await ask(page, 'please #fault 400 x1');
  const notice = page.locator('.answer .notice.danger');
  await notice.waitFor();
  expect(await notice.innerText()).toMatch(/This answer failed/);
  await notice.getByRole('button', { name: 'Ask again' }).click();
  await page.locator('.answer:not(.running)').nth(1).getByText('Demo model:').waitFor();
});

test('an image is picked, sent and shown with the question', async () => {
  await using tab = await openTab(browser);
  const { page } = tab;
  await signIn(page, product.url);
  await newChat(page);
  const png = await page.evaluate(drawPng);
  await page
    .locator('input[type=file]')
    .setInputFiles({ name: 'red.png', mimeType: 'image/png', buffer: Buffer.from(png, 'base64') });
  await page.locator('.attachments img').waitFor();
  const answer = await askAndWait(page, 'What is this?');
  expect(await answer.innerText()).toContain('Demo model');
  await questions(page).getByText('What is this?').waitFor();
  await page.locator('.question-images img').waitFor();
  expect(await page.locator('.attachments').count()).toBe(0);
});

function drawPng(): string {
  const canvas = document.createElement('canvas');
  canvas.width = 40;
  canvas.height = 30;
  canvas.getContext('2d')?.fillRect(0, 0, 40, 30);
  return canvas.toDataURL('image/png').split(',')[1] ?? '';
}
