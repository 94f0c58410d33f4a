/**
 * The page for those who do not see it, or not well: what can be found out without a person. The names of controls,
 * the keyboard and the tables beside the pictures have tests of their own.
 *
 * Source: the rules of WCAG 2.2, A and AA, as axe-core checks them.
 */
import { AxeBuilder } from '@axe-core/playwright';
import { createTroupe } from 'troupe';
import type { Page } from 'playwright-core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { chat } from '../../../examples/chat/service.ts';
import { connect } from '../../support/client.ts';
import { go, hasChromium, lit, useChromium } from './chromium.ts';

const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What is wrong with what is shown, in words. */
async function barriers(page: Page): Promise<readonly string[]> {
  const { violations } = await new AxeBuilder({ page }).withTags(rules).analyze();
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
}

describe.skipIf(!hasChromium)('the inspector’s page has no barrier that a program finds', { timeout: 60_000 }, () => {
  const { open } = useChromium();

  test.each([
    ['light', 1280],
    ['dark', 360],
  ] as const)('in %s colours, %i px wide', async (colorScheme, width) => {
    const troupe = createTroupe({ services: [chat], inspector: { allowActions: true } });
    const { port } = await troupe.listen({ port: 0, host: '127.0.0.1' });
    onTestFinished(() => troupe.close({ drain: { timeoutMs: 100 } }));
    const client = await connect(`ws://127.0.0.1:${port}/chat/lobby`);
    const { page } = await open(troupe.inspector?.url ?? 'nowhere', { colorScheme, viewport: { width, height: 900 } });
    const found = { overview: await barriers(page), list: [] as readonly string[] };

    await go(page, '#/connections');
    await page.locator('.row-item a').waitFor();
    found.list = await barriers(page);

    // By its address, and not before it is watched: what a click and a message at once lead to is tested elsewhere.
    await go(page, (await page.locator('.row-item a').getAttribute('href')) ?? '');
    await lit(page, 'chat.naming');
    client.send('alice');
    await lit(page, 'chat.present.chatting');
    const pictures = await barriers(page);
    for (const table of await page.getByRole('button', { name: 'Table' }).all()) await table.click();
    const tables = await barriers(page);
    await go(page, '#/incidents');
    await page.getByRole('heading', { name: 'Incidents' }).waitFor();
    const incidents = await barriers(page);
    expect({ ...found, pictures, tables, incidents }).toEqual({
      overview: [],
      list: [],
      pictures: [],
      tables: [],
      incidents: [],
    });
  });
});
