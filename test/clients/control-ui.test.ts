import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { ControlUi, type OpenPage } from './support/control-ui.ts';
import { startProduct, type Product } from './support/product.ts';

let product: Product;
let ui: ControlUi;
beforeAll(async () => {
  await using started = new AsyncDisposableStack();
  product = started.use(await startProduct());
  ui = started.use(await ControlUi.start());
  const owned = started.move();
  return () => owned.disposeAsync();
});

async function open(): Promise<OpenPage> {
  const opened = await ui.open(product.wsUrl, product.token);
  await opened.page.locator('.topbar .statusDot.ok').waitFor();
  return opened;
}

/** Upstream's own gateway gets these two as well: its form knows no widget for some settings. */
const ABOUT_THE_FORM = /^(Channel config schema unavailable\.|Form view can't safely edit some fields)/;

/** What the page shows where something was refused. */
async function complaints(page: Page): Promise<string[]> {
  const shown = await page.locator('.pill.danger, .callout.danger').allInnerTexts();
  return shown.filter((text) => !ABOUT_THE_FORM.test(text));
}

async function say(page: Page, message: string): Promise<void> {
  await page.locator('.chat-compose textarea').fill(message);
  await page.locator('.chat-compose textarea').press('Enter');
}

type Tab = Readonly<{ tab: string; shows: string }>;
const TABS: readonly Tab[] = [
  { tab: 'Overview', shows: '.stat-value.ok:has-text("Connected")' },
  { tab: 'Channels', shows: 'text="Channel health"' },
  { tab: 'Instances', shows: '.list-item .chip:has-text("gateway")' },
  { tab: 'Sessions', shows: 'text="Active session keys and per-session overrides."' },
  { tab: 'Cron Jobs', shows: 'text="Scheduler"' },
  { tab: 'Skills', shows: '.card-title:has-text("Skills")' },
  { tab: 'Nodes', shows: 'text="Exec approvals"' },
  { tab: 'Config', shows: '.config-sidebar .pill--ok:has-text("valid")' },
  { tab: 'Debug', shows: '.code-block:has-text("defaultAgentId")' },
  { tab: 'Logs', shows: '.log-row' },
  { tab: 'Chat', shows: '.chat-compose textarea:enabled' },
];

describe('the Control UI', () => {
  test('opens every tab, and nothing complains', async () => {
    const { page, failures } = await open();
    for (const { tab, shows } of TABS) {
      await page.locator(`.nav-item[title="${tab}"]`).click();
      await page.locator(shows).first().waitFor();
      expect(await complaints(page), tab).toEqual([]);
    }
    expect(failures).toEqual([]);
  });

  test('shows an answer as it grows, and keeps it after a reload', async () => {
    const { page, failures } = await open();
    const growing = watchStreamedText(page);
    await say(page, '#tokens 60 #delay 50');
    const whole = Array.from({ length: 60 }, (_, at) => `t${at + 1}`).join(' ');
    const answer = page.locator('.chat-group.assistant .chat-bubble:not(.streaming)', { hasText: whole });
    await answer.waitFor();
    expect((await growing).length).toBeGreaterThan(2);
    await page.reload();
    await answer.waitFor();
    expect(await complaints(page)).toEqual([]);
    expect(failures).toEqual([]);
  });

  test('queues what is said while an answer comes, and has both answered', async () => {
    const { page } = await open();
    const [first, second] = [randomUUID(), randomUUID()];
    await say(page, `#delay 300 #echo one two three ${first}`);
    await page.locator('.chat-bubble.streaming').waitFor();
    await say(page, `#echo ${second}`);
    await page.locator('.chat-queue__item').waitFor();
    for (const text of [first, second]) {
      await page.locator('.chat-group.assistant .chat-bubble', { hasText: text }).waitFor();
    }
    expect(await complaints(page)).toEqual([]);
  });

  test('stops an answer', async () => {
    const { page } = await open();
    await say(page, '#tokens 900 #delay 100');
    await page.locator('.chat-bubble.streaming', { hasText: 't3' }).waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('button', { name: 'New session' }).waitFor();
    expect(await page.locator('.chat-bubble.streaming').count()).toBe(0);
    expect(await complaints(page)).toEqual([]);
  });

  test('says why a provider refused', async () => {
    const { page } = await open();
    await say(page, '#fault 400');
    await page.locator('.callout.danger, .pill.danger').first().waitFor();
    expect((await complaints(page)).join('')).not.toBe('');
  });

  test('saves the configuration it was given, secrets untouched', async () => {
    const { page } = await open();
    await page.locator('.nav-item[title="Config"]').click();
    await page.locator('.config-sidebar .pill--ok').waitFor();
    await page.getByRole('button', { name: 'Raw', exact: true }).click();
    const editor = page.locator('.config-raw-field textarea');
    await expect.poll(() => editor.inputValue()).toContain('gateway');
    await editor.fill(`${await editor.inputValue()}\n// edited in the Control UI\n`);
    const save = page.getByRole('button', { name: 'Save', exact: true });
    await save.click();
    await expect.poll(() => save.isEnabled()).toBe(false);
    await page.locator('.nav-item[title="Debug"]').click();
    await page.locator('.nav-item[title="Config"]').click();
    await expect.poll(() => editor.inputValue()).toContain('// edited in the Control UI');
    expect(await complaints(page)).toEqual([]);
  });

  test('says what is wrong with a wrong token', async () => {
    const { page } = await ui.open(product.wsUrl, 'wrong');
    await page.locator('.pill.danger').waitFor();
    expect((await complaints(page)).join('')).toContain('unauthorized: gateway token mismatch');
  });

  test('comes back by itself after the gateway was restarted', async () => {
    const { page } = await open();
    await product.restart();
    const back = `back ${randomUUID()}`;
    await page.locator('.topbar .statusDot.ok').waitFor();
    await expect.poll(() => page.locator('.chat-compose textarea').isEnabled()).toBe(true);
    await say(page, `#echo ${back}`);
    await page.locator('.chat-group.assistant .chat-bubble', { hasText: back }).waitFor();
    expect(await complaints(page)).toEqual([]);
  });
});

/** Every text the growing bubble had, until it is gone. */
function watchStreamedText(page: Page): Promise<string[]> {
  return page.evaluate(
    () =>
      new Promise<string[]>((resolve) => {
        const texts = new Set<string>();
        new MutationObserver((_, observer) => {
          const bubble = document.querySelector('.chat-bubble.streaming');
          if (bubble?.textContent) texts.add(bubble.textContent);
          if (bubble || texts.size === 0) return;
          observer.disconnect();
          resolve([...texts]);
        }).observe(document.body, { subtree: true, childList: true, characterData: true });
      }),
  );
}
