/** Pages in a real browser, the inspector's above all: one browser for the tests of a file, a context for each page. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';

const root = new URL('../../../', import.meta.url).pathname;
const installed = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
if (installed === undefined) {
  console.warn('Pages are not tested in a browser: no Chromium was found. On Debian: apt-get install chromium');
}
/** Whether there is one; the tests that need it are left out otherwise. */
export const hasChromium = installed !== undefined;
const flags = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'];

type ContextOptions = Parameters<Browser['newContext']>[0];

/** A page, what it logs as an error, and what it asks of other servers. */
export interface Opened {
  readonly page: Page;
  readonly complaints: readonly string[];
  readonly strangers: readonly string[];
}

export interface Chromium {
  /** A browser of somebody else's: nothing is shared with other contexts. */
  readonly context: (options?: ContextOptions) => Promise<BrowserContext>;
  /** A page that was sent to `url`. */
  readonly visit: (url: string, within?: BrowserContext) => Promise<Opened>;
  /** The page at `url`, the inspector's or the examples', connected. */
  readonly open: (url: string, options?: ContextOptions) => Promise<Opened>;
}

/** A browser for the tests of a file. The inspector's pages are built first. */
export function useChromium(): Chromium {
  let browser: Browser;

  beforeAll(async () => {
    const built = spawnSync(process.execPath, ['--import', 'tsx', 'src/inspector/page/build.ts'], { cwd: root });
    expect(built.stderr.toString()).toBe('');
    const env = { ...process.env, TROUPE_TEST_CHROMIUM: installed };
    browser = await chromium.launch({ args: flags, env, executablePath: `${import.meta.dirname}/chromium.sh` });
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
  });

  const context = async (options: ContextOptions = {}): Promise<BrowserContext> => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    onTestFinished(() => context.close());
    context.setDefaultTimeout(20_000);
    return context;
  };
  const visit = async (url: string, within?: BrowserContext): Promise<Opened> => {
    const page = await (within ?? (await context())).newPage();
    const complaints: string[] = [];
    const strangers: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (new URL(request.url()).host !== new URL(url).host) strangers.push(request.url());
    });
    await page.goto(url);
    return { page, complaints, strangers };
  };
  const open = async (url: string, options?: ContextOptions): Promise<Opened> => {
    const opened = await visit(url, await context(options));
    await opened.page.getByText('Connected to the server').waitFor();
    return opened;
  };
  return { context, visit, open };
}

/** Goes to another view of the inspector. */
export function go(page: Page, hash: string): Promise<void> {
  return page.evaluate((hash) => {
    location.hash = hash;
  }, hash);
}

/** Waits until a chart shows that state as active. */
export function lit(page: Page, state: string): Promise<void> {
  return page.locator(`.chart [data-state="${state}"].active`).waitFor();
}

/** Draws a finger over the page to the right, in `px`. */
export async function swipe(page: Page, from: { readonly x: number; readonly y: number }, px: number): Promise<void> {
  const finger = await page.context().newCDPSession(page);
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', by?: number) =>
    finger.send('Input.dispatchTouchEvent', {
      type,
      touchPoints: by === undefined ? [] : [{ x: from.x + by, y: from.y }],
    });
  await touch('touchStart', 0);
  for (const part of [0.25, 0.5, 0.75, 1]) await touch('touchMove', px * part);
  await touch('touchEnd');
}
