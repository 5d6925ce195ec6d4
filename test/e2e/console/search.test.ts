import { readFile } from 'node:fs/promises';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CSV_HEADER } from '#services/console/export.ts';
import {
  accessibilityProblems,
  hasBrowser,
  launchBrowser,
  openConsole,
} from '#test/support/console/browser.ts';
import { type ConsoleHarness, startHarness, VIEWER } from '#test/support/console/harness.ts';
import { answeredCall, caller, publishAll, START } from '#test/support/console/steps.ts';
import { traffic } from '#test/support/console/traffic.ts';
import { until } from '#test/support/until.ts';

describe.skipIf(!hasBrowser)('search and export in a browser', () => {
  let console: ConsoleHarness;
  let browser: Browser;
  const complaints: string[] = [];
  const now = Date.now();
  const old = caller({ from: '15512345678', start: now - 20 * 60_000 - START });
  const steps = [...answeredCall(old), ...traffic(now, 15, 0.3)];

  beforeAll(async () => {
    const launched = launchBrowser();
    console = await startHarness({ CONSOLE_MAX_CALLS: '100' });
    browser = await launched;
    await publishAll(console.nats, steps);
    const last = steps.at(-1)?.uuid ?? '';
    await until('the console has read all', async () => {
      const { calls } = (await (await console.get(`/api/calls?uuid=${last}`)).json()) as { calls: unknown[] };
      return calls.length === 1;
    });
  });
  afterAll(async () => {
    await browser?.close();
    await console?.stop();
  });
  afterEach(() => expect(complaints.splice(0)).toEqual([]));

  const open = async (path: string, locale: string) => {
    const page = await openConsole(browser, { url: console.url, token: VIEWER, complaints, locale });
    await page.goto(`${console.url}/#/${path}`);
    await page.getByRole('searchbox').waitFor();
    return page;
  };

  it.each([
    ['en-US', 'Search the timeline', 'Search: all calls of the timeline'],
    ['zh-CN', '搜索时间线', '搜索范围: 时间线中的全部呼叫'],
  ])(
    'finds a call that is only in the timeline, and can be left again (%s)',
    async (locale, button, filter) => {
      const page = await open('calls', locale);
      await page.getByRole('searchbox').fill(old.from);
      await page.getByRole('button', { name: button }).focus();
      await page.keyboard.press('Enter');
      await page.locator('table.calls tbody tr', { hasText: old.from }).waitFor();
      await page.getByText(filter).waitFor();
      expect(await accessibilityProblems(page)).toEqual([]);
      await page.reload();
      await page.locator('table.calls tbody tr', { hasText: old.from }).waitFor();
      await page.getByRole('searchbox').fill('');
      await page.getByRole('button', { name: button }).waitFor();
      await expect.poll(() => page.locator('table.calls tbody tr').count()).toBe(50);
      await page.context().close();
    },
  );

  it('saves the calls of the list as a file', async () => {
    const page = await open('calls?outcome=failed', 'en-US');
    const shown = (await (await console.get('/api/calls?outcome=failed&limit=500')).json()) as {
      calls: unknown[];
    };
    for (const [format, count] of [
      ['CSV', (text: string) => text.trimEnd().split('\r\n').length - 1],
      ['JSON', (text: string) => (JSON.parse(text) as unknown[]).length],
    ] as const) {
      const saved = page.waitForEvent('download');
      await page.getByRole('link', { name: `Export ${format}` }).click();
      const file = await saved;
      expect(file.suggestedFilename()).toMatch(new RegExp(`^calls-.*\\.${format.toLowerCase()}$`));
      const text = await readFile(await file.path(), 'utf8');
      if (format === 'CSV') expect(text.startsWith(CSV_HEADER)).toBe(true);
      expect(count(text)).toBe(shown.calls.length);
    }
    await page.context().close();
  });
});
