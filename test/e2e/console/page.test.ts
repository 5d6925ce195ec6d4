import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Bus } from '#libs/bus/connection.ts';
import { serveControl } from '#libs/bus/control.ts';
import type { ControlRequest } from '#libs/contract/control.ts';
import { BUS } from '#libs/contract/messages.ts';
import type { TimelineStep } from '#libs/contract/timeline.ts';
import { SetAside } from '#libs/isolation/set-aside.ts';
import { DeadLetters } from '#libs/queue/dead-letters.ts';
import { callKeys } from '#libs/queue/keys.ts';
import { hasBrowser, launchBrowser, openConsole } from '#test/support/console/browser.ts';
import { type ConsoleHarness, OPERATOR, startHarness, VIEWER } from '#test/support/console/harness.ts';
import {
  answeredCall,
  attempted,
  caller,
  decided,
  ENDPOINT,
  fromCache,
  publish,
  published,
  received,
  requested,
  undecided,
} from '#test/support/console/steps.ts';
import { recordLog } from '#test/support/log.ts';
import { callOf, idsOf } from '#test/support/notifier/progress.ts';

const EVIL = '<img src=x onerror="document.title=1">';

describe.skipIf(!hasBrowser)('the page in a browser', () => {
  let console: ConsoleHarness;
  let browser: Browser;
  /** What the browser complains of: a script that the policy forbids, a module that is not there, an error of ours. */
  const complaints: string[] = [];
  const ended = caller({ node: 'fs-east', name: EVIL });
  const failed = caller({ node: 'fs-west', name: 'Ana María' });
  const live = caller({ node: 'fs-east', name: '李四' });
  const lonely = caller({ node: 'fs-west' });
  const orders: ControlRequest[] = [];

  beforeAll(async () => {
    const launched = launchBrowser();
    console = await startHarness({ TRACE_URL_TEMPLATE: 'http://grafana.example/trace/{trace_id}' });
    browser = await launched;
    publish(console.nats, [
      ...answeredCall(ended),
      received(failed),
      undecided(failed),
      published(failed, 'hangup', 3000),
      attempted(failed, 'hangup', 3010, 1, 'retried'),
      attempted(failed, 'hangup', 8010, 2, 'dead'),
      received(live),
      requested(live),
      decided(live),
      published(live, 'answer', 900),
      received(lonely),
    ]);
    const [progress] = callOf('http://gone.example/x', 1, failed.uuid);
    if (progress === undefined) throw new Error('no progress');
    await new DeadLetters(console.redis, 'dialhook').keep({
      ...{
        id: idsOf([progress])[0] ?? '',
        order: 1,
        at: 1,
        trace: {},
        progress,
        call: failed.uuid,
        origin: 'http://gone.example',
      },
      ...{
        time: Date.now(),
        attempts: 8,
        reason: 'exhausted',
        error: 'the endpoint answered 500',
        status: 500,
      },
    });
    const { log } = recordLog();
    const bus = await Bus.connect(console.natsServer.url, 'agent', console.lifecycle, log);
    serveControl(bus, 'fs-east', log, new SetAside(log), async (order) => {
      orders.push(order);
      publish(console.nats, [published(live, 'hangup', 5000), attempted(live, 'hangup', 5010)]);
      return { v: 1, ok: true };
    });
  });
  afterAll(async () => {
    await browser?.close();
    await console?.stop();
  });
  afterEach(() => expect(complaints.splice(0)).toEqual([]));

  /** What an agent and a router say of themselves; who is silent is gone after a while. */
  function heartbeat(): void {
    const status = {
      v: 1,
      version: '0.1.0',
      time: '2026-03-01T03:00:00.000Z',
      started: '2026-03-01T02:00:00.000Z',
    };
    console.nats.publish(
      BUS.status,
      JSON.stringify({
        ...status,
        service: 'agent',
        instance: 'agent@a1',
        node: 'fs-east',
        ready: true,
        checks: {},
        figures: { calls_in_flight: 3 },
      }),
    );
    const error = { time: status.time, result: 'response_timeout', error: 'nothing came', uuid: failed.uuid };
    const endpoint = {
      origin: new URL(ENDPOINT).origin,
      breaker: 'open',
      requests: 10,
      failures: 4,
      p50_ms: 5,
      p99_ms: 900,
      last_errors: [error],
    };
    console.nats.publish(
      BUS.status,
      JSON.stringify({
        ...status,
        service: 'router',
        instance: 'router@r1',
        ready: true,
        checks: {},
        figures: {},
        endpoints: [endpoint],
      }),
    );
  }

  async function open(token: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await openConsole(browser, { url: console.url, token, complaints, ...options });
    await page.goto(`${console.url}/#/calls`);
    await page.locator('table.calls tbody tr').first().waitFor();
    return page;
  }
  const row = (page: Page, number: string) => page.locator('table.calls tbody tr', { hasText: number });
  const shoot = async (page: Page, name: string) => {
    const folder = process.env['SCREENSHOTS'];
    if (folder !== undefined) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
  };

  it('requires a token, and keeps the operator logged in', async () => {
    const context = await browser.newContext({ locale: 'en-US' });
    const page = await context.newPage();
    await page.goto(console.url);
    await page.getByLabel('Token').fill('wrong-token-0123456789');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('unknown token').waitFor();
    await shoot(page, 'login');
    await page.getByLabel('Token').fill(VIEWER);
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'Calls', exact: true }).click();
    await row(page, ended.from).waitFor();
    await page.reload();
    await row(page, ended.from).waitFor();
    expect(await page.evaluate('document.cookie')).toBe('');
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('Token').waitFor();
    await context.close();
  });

  it('finds a call, shows it on one page and never runs a name as script', async () => {
    const page = await open(VIEWER);
    expect(page.url()).not.toContain('token');
    await page.keyboard.press('/');
    await page.keyboard.type(ended.to);
    await expect.poll(() => page.locator('table.calls tbody tr').count()).toBe(1);
    await shoot(page, 'search');
    await row(page, ended.from).getByRole('link').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: ended.from }).getByText(EVIL).waitFor();
    const text = await page.locator('main').innerText();
    for (const words of [
      'Agent received the call',
      'crm.example:8080 answered 200',
      '+900 ms',
      `${ended.to} answered`,
      'Call ended: NORMAL_CLEARING',
      `bridge sofia/gateway/gw/${ended.to}`,
      '"gateway": "gw"',
      'dns 1 ms',
      'the caller',
    ])
      expect(text).toContain(words);
    expect(await page.getByRole('link', { name: /…/ }).getAttribute('href')).toBe(
      `http://grafana.example/trace/${ended.uuid.replaceAll('-', '')}`,
    );
    expect(await page.locator('main img').count()).toBe(0);
    expect(await page.title()).toBe('Dialhook');
    await shoot(page, 'call');
    await page.keyboard.press('Escape');
    await page.getByRole('searchbox').waitFor();
    expect(await page.getByRole('searchbox').inputValue()).toBe(ended.to);
    await page.context().close();
  });

  it.each(['calls', 'nodes', 'a call'])('focuses the search at once on a slash (%s)', async (name) => {
    const page = await open(VIEWER);
    const at = name === 'a call' ? `calls/${ended.uuid}` : name;
    await page.evaluate(`location.hash = '#/${at}'`);
    if (name !== 'calls') await page.getByRole('searchbox').waitFor({ state: 'detached' });
    const focused = await page.evaluate(`
      dispatchEvent(new KeyboardEvent('keydown', { key: '/' }));
      Promise.resolve().then(() => document.activeElement.getAttribute('type'));
    `);
    expect(focused).toBe('search');
    await page.context().close();
  });

  it('shows a new call and each change without a reload', async () => {
    const page = await open(VIEWER);
    await page.locator('.live.on').waitFor();
    const call = caller({ node: 'fs-east', from: '15900000001' });
    publish(console.nats, [received(call)]);
    await row(page, call.from).getByText('deciding').waitFor();
    publish(console.nats, [decided(call), published(call, 'ring', 300)]);
    await row(page, call.from).getByText('ringing').waitFor();
    await row(page, call.from).getByRole('link').click();
    publish(console.nats, [published(call, 'answer', 900)]);
    await page.getByText(`${call.to} answered`, { exact: true }).waitFor();
    await page.context().close();
  });

  it('says that a decision came from the cache, how old it was, and why another is not cached', async () => {
    const [stale, never] = [caller({ from: '15900000002' }), caller({ from: '15900000003' })];
    publish(console.nats, [
      received(stale),
      fromCache(stale),
      decided(stale),
      received(never),
      { ...requested(never), not_cached: 'Dialhook-Vary is missing' } as TimelineStep,
      decided(never),
    ]);
    const page = await open(VIEWER);
    await row(page, stale.from).getByRole('link').click();
    await page.getByText('Stale decision of crm.example:8080 (stale-if-error), age:').waitFor();
    await page.getByText('stale 1 min 0 s', { exact: true }).waitFor();
    await page.goto(`${console.url}/#/calls/${never.uuid}`);
    await page.locator('.decision').getByText('Dialhook-Vary is missing').waitFor();
    await page.context().close();
  });

  it('shows nodes, endpoints with their errors, and why a notification died', async () => {
    heartbeat();
    const page = await open(VIEWER);
    await page.getByRole('link', { name: 'Nodes' }).click();
    await page.getByText('agent@a1').waitFor();
    await page.getByText('No status from an agent of this node').first().waitFor();
    await shoot(page, 'nodes');
    await page.getByRole('link', { name: 'Endpoints' }).click();
    await page.getByText('nothing came').waitFor();
    expect(await page.locator('main').innerText()).toMatch(/900 ms[\s\S]*open/);
    await shoot(page, 'endpoints');
    await page.getByRole('link', { name: 'Dead letters' }).click();
    await page.getByText('the endpoint answered 500', { exact: true }).waitFor();
    await shoot(page, 'dead-letters');
    await page.goto(`${console.url}/#/calls/${failed.uuid}`);
    await page.locator('.timeline').getByText('hangup not delivered, now a dead letter').waitFor();
    await page.locator('.sequence text', { hasText: 'hangup: dead letter' }).waitFor();
    await shoot(page, 'failed-call');
    await page.context().close();
  });

  it('lets a viewer change nothing', async () => {
    const page = await open(VIEWER);
    await row(page, live.from).getByRole('link').click();
    for (const name of ['Hang up', 'Transfer'])
      expect(await page.getByRole('button', { name }).isDisabled()).toBe(true);
    await page.goto(`${console.url}/#/dead-letters`);
    expect(await page.getByRole('button', { name: 'Replay all' }).isDisabled()).toBe(true);
    await page.context().close();
  });

  it('lets an operator transfer and hang up, after a question that Esc answers with no', async () => {
    const page = await open(OPERATOR);
    await row(page, live.from).getByRole('link').click();
    await page.getByRole('button', { name: 'Hang up' }).click();
    await page.getByText(`Hang up the call from ${live.from}`).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(orders).toEqual([]);
    await page.getByRole('button', { name: 'Transfer' }).click();
    await page.getByLabel('Extension').fill('1000');
    await shoot(page, 'transfer');
    await page.getByRole('dialog').getByRole('button', { name: 'Transfer' }).click();
    await page.getByText('The caller was transferred to 1000.').waitFor();
    expect(orders).toMatchObject([{ do: 'transfer', uuid: live.uuid, destination: '1000', by: 'otto' }]);
    await page.getByText('Call ended: NORMAL_CLEARING').waitFor();
    await page.context().close();
  });

  it('lets an operator send a dead letter again', async () => {
    const page = await open(OPERATOR);
    await page.getByRole('link', { name: 'Dead letters' }).click();
    await page.getByRole('button', { name: 'Replay', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Replay' }).click();
    await page.getByText('1 replayed.').waitFor();
    await page.getByText('No dead letters').waitFor();
    expect(await console.redis.lrange(callKeys('dialhook', failed.uuid).waiting, 0, -1)).toHaveLength(1);
    await page.context().close();
  });

  it('fits a phone without scrolling sideways', async () => {
    heartbeat();
    const page = await open(VIEWER, { viewport: { width: 390, height: 844 }, hasTouch: true });
    for (const path of [
      'calls',
      `calls/${failed.uuid}`,
      `calls/${ended.uuid}`,
      'nodes',
      'endpoints',
      'dead-letters',
    ]) {
      await page.goto(`${console.url}/#/${path}`);
      await page.locator('main section').first().waitFor();
      await expect
        .poll(() => page.evaluate('document.documentElement.scrollWidth'), { timeout: 10_000 })
        .toBe(390);
      await shoot(page, `phone-${path.replaceAll(/\W/g, '-').slice(0, 14)}`);
    }
    await page.context().close();
  });

  it('is dark when the system is, or when that is chosen, and stays so', async () => {
    const ground = (page: Page) => page.evaluate('getComputedStyle(document.body).backgroundColor');
    const page = await open(VIEWER, { colorScheme: 'dark' });
    expect(await ground(page)).toBe('rgb(18, 22, 29)');
    await shoot(page, 'dark');
    await page.locator('[data-switch=theme]').click();
    expect(await ground(page)).toBe('rgb(246, 247, 249)');
    await page.reload();
    await page.locator('table.calls').waitFor();
    expect(await ground(page)).toBe('rgb(246, 247, 249)');
    await page.context().close();
  });

  it('speaks Chinese when the browser does, or when that is chosen', async () => {
    const page = await open(VIEWER, { locale: 'zh-CN' });
    await page.getByRole('link', { name: '死信' }).waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('zh');
    await shoot(page, 'chinese');
    await page.getByRole('button', { name: 'English' }).click();
    await page.getByRole('link', { name: 'Dead letters' }).waitFor();
    await page.getByRole('button', { name: '中文' }).click();
    await row(page, ended.from).getByRole('link').click();
    await page.getByText('agent 收到呼叫').waitFor();
    await shoot(page, 'chinese-call');
    await page.context().close();
  });

  it('can be used with the keyboard alone, and shows where it is', async () => {
    heartbeat();
    const page = await open(VIEWER);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    const outline =
      'getComputedStyle(document.activeElement).outlineStyle + document.activeElement.textContent';
    expect(await page.evaluate(outline)).toBe('solidOverview');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('agent@a1').waitFor();
    await page.keyboard.press('/');
    await page.getByRole('searchbox').waitFor();
    await expect.poll(() => page.evaluate('document.activeElement.type')).toBe('search');
    await page.keyboard.press('Escape');
    expect(await page.evaluate('document.activeElement.tagName')).toBe('BODY');
    await page.context().close();
  });
});
