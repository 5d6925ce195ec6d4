import { existsSync } from 'node:fs';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** Whether Chromium is installed; a test without it is skipped. */
export const hasBrowser = existsSync(CHROMIUM);
if (!hasBrowser) console.log(`the console's page is not tested, not found: ${CHROMIUM}`);

export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });

/** Opens the console with a token. Errors of the page, and of its Content-Security-Policy, are added to `complaints`. */
export async function openConsole(
  browser: Browser,
  {
    url,
    token,
    complaints,
    ...options
  }: BrowserContextOptions & {
    readonly url: string;
    readonly token: string;
    readonly complaints: string[];
  },
): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 820 },
    locale: 'en-US',
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // A refused login or command is not an error of the page.
    if (message.type() === 'error' && !/status of (401|409)/.test(message.text()))
      complaints.push(message.text());
  });
  await page.goto(`${url}/#token=${token}`);
  await page.getByRole('link', { name: 'Dialhook' }).waitFor();
  return page;
}

interface AxeResults {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}

/** Violations of WCAG 2.2 A and AA, and of the best practices, that axe finds on a page; one line each. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate('axe.run()')) as AxeResults;
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
}
