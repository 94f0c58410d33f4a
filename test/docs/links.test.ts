import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = new URL('../..', import.meta.url).pathname;
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
];

/** The text of a page without its code, in which nothing is a link. */
function proseOf(page: string): string {
  return readFileSync(join(root, page), 'utf8').replaceAll(/^```[\s\S]*?^```$/gm, '');
}

/** The anchors that the headings of a page get. */
function anchorsOf(page: string): Set<string> {
  return new Set(
    [...proseOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** The links of a page to other files and to its own headings. */
function linksOf(page: string): string[] {
  return [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^https?:/.test(target));
}

const links = pages.flatMap((page) => linksOf(page).map((target) => ({ page, target })));

describe('the links of the documentation', () => {
  it.each(pages)('lead from %s to files and headings that exist', (page) => {
    const broken = linksOf(page).filter((target) => {
      const [file = '', anchor] = target.split('#');
      const path = file === '' ? page : relative(root, join(root, dirname(page), file));
      if (!existsSync(join(root, path))) return true;
      return anchor !== undefined && !anchorsOf(path).has(anchor);
    });
    expect(broken).toEqual([]);
  });

  it('lead from the index to every page', () => {
    const listed = new Set(
      links.filter(({ page }) => page === 'docs/README.md').map(({ target }) => join('docs', target)),
    );
    const others = pages.filter((page) => page.startsWith('docs/') && page !== 'docs/README.md');
    expect(others.filter((page) => !listed.has(page))).toEqual([]);
  });
});
