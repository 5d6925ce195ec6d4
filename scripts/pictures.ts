import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { NodeList } from '#libs/contract/console.ts';
import { BUS } from '#libs/contract/messages.ts';
import { launchBrowser, openConsole } from '#test/support/console/browser.ts';
import { type ConsoleHarness, startHarness, VIEWER } from '#test/support/console/harness.ts';
import { answeredCall, caller, publishAll, START } from '#test/support/console/steps.ts';
import { traffic } from '#test/support/console/traffic.ts';
import { until } from '#test/support/until.ts';
import { pageHash, RECORDED } from './page-hash.ts';

/**
 * Makes the pictures of the console in `docs` from the current page, with a browser and made-up calls, and records the
 * hash of the page beside them. `npm run pictures`, or `npm run pictures -- FOLDER` to write them elsewhere.
 */

const [folder] = process.argv.slice(2);
const out = folder ?? join(import.meta.dirname, '../docs');
const MINUTE = 60_000;

const now = Date.now();
const call = caller({
  node: 'fs-east',
  from: '13800138000',
  name: 'Ana María',
  to: '95588',
  start: now - 2 * MINUTE - START,
});
const steps = [...traffic(now, 70, 0.8), ...answeredCall(call)];
const calls = new Set(steps.map(({ uuid }) => uuid)).size;

function sendStatus({ nats }: ConsoleHarness): void {
  const time = new Date().toISOString();
  const same = {
    v: 1,
    version: '0.1.0',
    time,
    started: new Date(now - 26 * 60 * MINUTE).toISOString(),
    ready: true,
  };
  const send = (one: object) =>
    nats.publish(BUS.status, JSON.stringify({ ...same, checks: {}, figures: {}, ...one }));
  const limit = { limit: 'id:tenant-7', used: 10, recent: 1, max: 10, rate: 5, refused: 12 };
  const limits = [{ limit: 'gw:carrier-a', used: 41, recent: 1, max: 60, refused: 0 }, limit];
  const rests_until = new Date(Date.now() + 20_000).toISOString();
  send({ service: 'agent', instance: 'agent@fs-east', node: 'fs-east', limits });
  const gateways = [{ gateway: 'carrier-b', failures: 5, rests_until }];
  send({ service: 'agent', instance: 'agent@fs-west', node: 'fs-west', gateways });
  for (const instance of ['router@r1', 'router@r2', 'notifier@n1'])
    send({ service: instance.split('@')[0], instance });
}

const PICTURES: readonly {
  name: string;
  path: string;
  ready: string;
  options?: BrowserContextOptions;
  full?: boolean;
}[] = [
  { name: 'console-overview', path: 'overview', ready: '.plot canvas', full: true },
  { name: 'console-call', path: `calls/${call.uuid}`, ready: '.sequence svg', full: true },
  {
    ...{ name: 'console-phone', path: 'overview', ready: '.plot canvas' },
    options: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 1.5 },
  },
];

async function settled(page: Page): Promise<void> {
  await page.locator('.strip .dot.good, .sequence svg').nth(0).waitFor();
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
}

const harness = await startHarness();
const browser = await launchBrowser();
const complaints: string[] = [];
try {
  await publishAll(harness.nats, steps);
  await until('the console has read all calls', async () => {
    const list = (await (await harness.get('/api/calls?limit=1')).json()) as { kept: number };
    return list.kept === calls;
  });
  // Its first status is older than its reading of the calls, and says that it is not ready.
  await until('the console has said that it is ready', async () => {
    const { services } = NodeList.parse(await (await harness.get('/api/nodes')).json());
    return services.some(({ ready }) => ready);
  });
  for (const { name, path, ready, options = {}, full = false } of PICTURES) {
    const page = await openConsole(browser, { url: harness.url, token: VIEWER, complaints, ...options });
    // A status is shown for 15 s only.
    sendStatus(harness);
    await until('the console has the last status sent', async () => {
      const { services } = NodeList.parse(await (await harness.get('/api/nodes')).json());
      return services.some(({ instance }) => instance === 'notifier@n1');
    });
    await page.goto(`${harness.url}/#/${path}`);
    await page.reload();
    await page.locator(ready).first().waitFor();
    await settled(page);
    await page.screenshot({ path: join(out, `${name}.png`), fullPage: full });
    await page.context().close();
  }
} finally {
  await browser.close();
  await harness.stop();
}
if (complaints.length > 0) throw new Error(complaints.join('\n'));
if (folder === undefined) writeFileSync(RECORDED, `${pageHash()}\n`);
