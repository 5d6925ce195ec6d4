import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BUS } from '#libs/contract/messages.ts';
import {
  accessibilityProblems,
  hasBrowser,
  launchBrowser,
  openConsole,
} from '#test/support/console/browser.ts';
import { type ConsoleHarness, startHarness, VIEWER } from '#test/support/console/harness.ts';
import {
  caller,
  decided,
  publish,
  publishAll,
  published,
  received,
  requested,
  START,
} from '#test/support/console/steps.ts';
import { traffic } from '#test/support/console/traffic.ts';
import { until } from '#test/support/until.ts';

describe.skipIf(!hasBrowser)('the overview in a browser', () => {
  let console: ConsoleHarness;
  let browser: Browser;
  const complaints: string[] = [];
  const steps = traffic(Date.now(), 30, 0.1);
  const uuids = new Set(steps.map(({ uuid }) => uuid));

  beforeAll(async () => {
    const launched = launchBrowser();
    console = await startHarness();
    browser = await launched;
    await publishAll(console.nats, steps);
    await until('the console has all calls', async () => {
      const { kept } = (await (await console.get('/api/calls')).json()) as { kept: number };
      return kept === uuids.size;
    });
  });
  afterAll(async () => {
    await browser?.close();
    await console?.stop();
  });
  afterEach(() => expect(complaints.splice(0)).toEqual([]));

  function heartbeat(): void {
    const now = new Date().toISOString();
    const same = { v: 1, version: '0.1.0', time: now, started: now, checks: {}, figures: {} };
    const send = (one: object) => console.nats.publish(BUS.status, JSON.stringify({ ...same, ...one }));
    const limits = [{ limit: 'gw:carrier-a', used: 4, recent: 1, max: 4, refused: 2 }];
    const gateways = [{ gateway: 'carrier-b', failures: 5, rests_until: now }];
    send({ service: 'agent', instance: 'agent@a1', node: 'fs-east', ready: true, limits, gateways });
    send({ service: 'agent', instance: 'agent@a2', node: 'fs-west', ready: false });
    send({ service: 'router', instance: 'router@r1', ready: true });
  }

  async function open(options: BrowserContextOptions = {}): Promise<Page> {
    heartbeat();
    const page = await openConsole(browser, { url: console.url, token: VIEWER, complaints, ...options });
    await page.locator('.plot canvas').first().waitFor();
    return page;
  }
  const figure = (page: Page, label: string) =>
    page.locator('.figure').filter({ has: page.getByText(label, { exact: true }) });
  const listed = async (page: Page) => {
    await page.locator('table.calls tbody tr').first().waitFor();
    return page.locator('table.calls tbody tr').count();
  };

  it('is what the console opens on, and shows nodes, gateways, endpoints and limits', async () => {
    const page = await open();
    expect(page.url()).toBe(`${console.url}/#/overview`);
    const text = await page.locator('main').innerText();
    for (const words of [
      'fs-east',
      '0/1 ready',
      'carrier-a',
      'https://crm.example',
      '4 / 4',
      'reached',
      'USER_BUSY',
      'rests until',
    ])
      expect(text).toContain(words);
    expect(await figure(page, 'Calls').getByRole('link').innerText()).toBe(String(uuids.size));
    await page.context().close();
  });

  it.each(['Failed', 'Not decided', 'Answered'])(
    'leads from a number to the calls behind it (%s)',
    async (label) => {
      const page = await open();
      const counted = Number(await figure(page, label).locator('.quiet').innerText());
      await figure(page, label).getByRole('link').click();
      expect(await listed(page)).toBe(Math.min(50, counted));
      await page.getByText(`Outcome: ${label}`).waitFor();
      await page.reload();
      expect(await listed(page)).toBe(Math.min(50, counted));
      for (const name of ['Outcome', 'Since', 'Before'])
        await page.getByRole('button', { name: `Remove the filter ${name}` }).click();
      await expect.poll(() => listed(page), { timeout: 20_000 }).toBe(50);
      expect(page.url()).toBe(`${console.url}/#/calls`);
      await page.context().close();
    },
  );

  it('changes with each call, without a reload', async () => {
    const page = await open();
    const live = async () => Number(await figure(page, 'Live calls').getByRole('link').innerText());
    const [calls, before] = [Number(await figure(page, 'Calls').getByRole('link').innerText()), await live()];
    const call = caller({ node: 'fs-north', start: Date.now() - START });
    publish(console.nats, [received(call), requested(call), decided(call)]);
    await expect.poll(live, { timeout: 20_000 }).toBe(before + 1);
    await page.getByRole('link', { name: 'fs-north' }).waitFor();
    publish(console.nats, [published(call, 'hangup', 50)]);
    await expect.poll(live, { timeout: 20_000 }).toBe(before);
    expect(Number(await figure(page, 'Calls').getByRole('link').innerText())).toBe(calls + 1);
    await page.context().close();
  });

  it('zooms to a day and, by dragging, to minutes', async () => {
    const page = await open();
    await page.getByRole('button', { name: '24 h' }).click();
    await expect
      .poll(() => page.getByRole('button', { name: '24 h' }).getAttribute('aria-pressed'), {
        timeout: 20_000,
      })
      .toBe('true');
    await page.getByRole('button', { name: '1 h' }).click();
    const all = Number(await figure(page, 'Calls').getByRole('link').innerText());
    const box = await page.locator('.u-over').first().boundingBox();
    if (box === null) throw new Error('no chart');
    await page.mouse.move(box.x + box.width * 0.7, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.9, box.y + 40, { steps: 5 });
    await page.mouse.up();
    const zoomed = async () => Number(await figure(page, 'Calls').getByRole('link').innerText());
    await expect.poll(zoomed, { timeout: 10_000 }).toBeLessThan(all);
    expect(await zoomed()).toBeGreaterThan(0);
    expect(await page.locator('.picker').innerText()).toMatch(/\d\d:\d\d:\d\d – /);
    await page.context().close();
  });

  it('has the numbers of each chart as a table, reached with the keyboard', async () => {
    const page = await open();
    const button = page.getByRole('button', { name: 'Table: Calls by outcome' });
    await button.focus();
    await page.keyboard.press('Enter');
    const table = page.getByRole('region', { name: 'Calls by outcome' }).getByRole('table');
    expect(await table.getByRole('columnheader').allInnerTexts()).toEqual([
      'Time',
      'Answered',
      'Failed',
      'Not decided',
      'Unknown',
    ]);
    expect(await table.getByRole('row').count()).toBeGreaterThan(20);
    const all = Number(await figure(page, 'Calls').getByRole('link').innerText());
    await table
      .getByRole('button', { name: /^Zoom to / })
      .last()
      .focus();
    await page.keyboard.press('Enter');
    await expect
      .poll(async () => Number(await figure(page, 'Calls').getByRole('link').innerText()), {
        timeout: 20_000,
      })
      .toBeLessThan(all);
    expect(await page.getByRole('img', { name: /^Decision latency\. Median .* p99/ }).count()).toBe(1);
    await page.context().close();
  });

  it.each([
    ['light', {}],
    ['dark', { colorScheme: 'dark' }],
    ['Chinese', { locale: 'zh-CN' }],
    ['phone', { viewport: { width: 390, height: 844 } }],
  ] as const)('has no accessibility problem that axe finds, on any page (%s)', async (_, options) => {
    const page = await open(options);
    const uuid = steps[0]?.uuid ?? '';
    const problems: string[] = [];
    const check = async (shown: string) => {
      problems.push(...(await accessibilityProblems(page)).map((problem) => `${shown}: ${problem}`));
    };
    for (const [path, content] of [
      ['calls?outcome=failed', 'table.calls tbody tr'],
      [`calls/${uuid}`, '.timeline li'],
      ['calls/unknown', 'section.call .empty'],
      ['nodes', '.card, .empty'],
      ['endpoints', '.card, .empty'],
      ['dead-letters', '.empty'],
      ['overview', '.plot canvas'],
    ] as const) {
      const data = Promise.withResolvers<void>();
      await page.route('**/api/**', (route) => data.promise.then(() => route.continue()));
      await page.goto(`${console.url}/#/${path}`);
      await page.locator(`nav a[aria-current][href="#/${path.replace(/[/?].*/, '')}"]`).waitFor();
      await check(`${path} is loading`);
      data.resolve();
      await page.locator(content).first().waitFor();
      await check(path);
      await page.unrouteAll({ behavior: 'wait' });
    }
    expect(problems).toEqual([]);
    // The browser logs the status of the unknown call.
    expect(complaints.splice(0).filter((one) => !one.includes('status of 404'))).toEqual([]);
    await page.context().close();
  });

  it('fits a phone without scrolling sideways', async () => {
    const page = await open({ viewport: { width: 390, height: 844 }, hasTouch: true });
    await expect
      .poll(() => page.evaluate('document.documentElement.scrollWidth'), { timeout: 10_000 })
      .toBe(390);
    await page.context().close();
  });
});
