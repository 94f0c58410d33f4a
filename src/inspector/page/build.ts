/**
 * Builds the inspector's pages into dist/inspector/page: the bundles, the styles,
 * and elkjs's worker file as it is published, with its licence beside it.
 * Runs with `npm run build`; who uses the package installs nothing for it.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { build, type BuildOptions } from 'esbuild';

const from = new URL('./', import.meta.url);
const to = new URL('../../../dist/inspector/page/', from);
const packages = new URL('../../../node_modules/', from);

/** A file is there as a whole or not at all: a server may be reading the one before. */
async function place(name: string, content: Uint8Array): Promise<void> {
  const unfinished = new URL(`${name}.${process.pid}`, to);
  await writeFile(unfinished, content);
  await rename(unfinished, new URL(name, to));
}

async function bundle(name: string, entry: string, options: BuildOptions = {}): Promise<void> {
  const target = ['chrome115', 'firefox115', 'safari16.4'];
  const { outputFiles } = await build({
    ...options,
    bundle: true,
    minify: true,
    write: false,
    target,
    entryPoints: [new URL(entry, from).pathname],
  });
  for (const { contents } of outputFiles) await place(name, contents);
}

await mkdir(to, { recursive: true });
await bundle('page.js', 'main.tsx', {
  format: 'esm',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  banner: { js: '/* The inspector of Troupe. With Preact, whose licence is in page.LICENSE.txt. */' },
});
await bundle('stately.js', 'stately.ts', { format: 'esm' });
await bundle('page.css', 'style/page.css');
await bundle('stately.css', 'style/stately.css');
const copies: readonly (readonly [name: string, source: URL])[] = [
  ['index.html', new URL('index.html', from)],
  ['stately.html', new URL('stately.html', from)],
  ['icon.svg', new URL('icon.svg', from)],
  ['page.LICENSE.txt', new URL('preact/LICENSE', packages)],
  ['elk-worker.min.js', new URL('elkjs/lib/elk-worker.min.js', packages)],
  ['elk-worker.LICENSE.md', new URL('elkjs/LICENSE.md', packages)],
];
for (const [name, source] of copies) await place(name, await readFile(source));
