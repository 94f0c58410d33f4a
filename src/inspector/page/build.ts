/**
 * Builds the inspector's page into dist/inspector/page: the bundle, the style,
 * and elkjs's worker file as it is published, with its licence beside it.
 * Runs with `npm run build`; who uses the package installs nothing for it.
 * Tests name another folder.
 */
import { copyFile, mkdir } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const from = new URL('./', import.meta.url);
const folder = process.argv[2];
const to = folder === undefined ? new URL('../../../dist/inspector/page/', from) : pathToFileURL(`${folder}/`);
const preact = new URL('../../../node_modules/preact/', import.meta.url);
const elk = new URL('../../../node_modules/elkjs/', import.meta.url);

await mkdir(to, { recursive: true });
await build({
  entryPoints: [new URL('main.tsx', from).pathname],
  outfile: new URL('page.js', to).pathname,
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['chrome115', 'firefox115', 'safari16.4'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  banner: { js: '/* The inspector of Troupe. With Preact, whose licence is in page.LICENSE.txt. */' },
});
await build({
  entryPoints: [new URL('style.css', from).pathname],
  outfile: new URL('page.css', to).pathname,
  minify: true,
});
await copyFile(new URL('index.html', from), new URL('index.html', to));
await copyFile(new URL('icon.svg', from), new URL('icon.svg', to));
await copyFile(new URL('LICENSE', preact), new URL('page.LICENSE.txt', to));
await copyFile(new URL('lib/elk-worker.min.js', elk), new URL('elk-worker.min.js', to));
await copyFile(new URL('LICENSE.md', elk), new URL('elk-worker.LICENSE.md', to));
