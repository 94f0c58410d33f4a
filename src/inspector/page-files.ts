/** The files of the page: they lie beside the package's code, and nothing else can be asked for. */
import { readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { extname } from 'node:path';

/** Where the build puts them, from here and from where this file is built to. */
const FOLDERS = ['../../dist/inspector/page/', '../../inspector/page/'];
/** Folders and files have names without a dot in front, so nothing leads out of the folder. */
const NAME = /^(?:[\w-][\w.-]*\/)*[\w-][\w.-]*$/;

/** The page that Stately's is shown in. */
const BRIDGE = 'stately.html';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
};

/** What people open, by the names that stand in their browser. */
const PAGES: ReadonlyMap<string, string> = new Map([
  ['', 'index.html'],
  ['stately', BRIDGE],
]);

/** No script and no style but the page's own, nothing from elsewhere, and no page around it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** One page shows another in it, and that one alone. */
const BRIDGE_POLICY = `${CONTENT_SECURITY_POLICY}; frame-src https://stately.ai`;

/** What every answer says, whatever is in it. */
export const SAFE_HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

/** Answers with the page or the file `name`, `''` for the inspector itself; `false` when there is none. */
export async function answerWithFile(name: string, response: ServerResponse): Promise<boolean> {
  const file = PAGES.get(name) ?? name;
  const folder = NAME.test(file)
    ? FOLDERS.map((path) => new URL(path, import.meta.url)).find((url) => existsSync(url))
    : undefined;
  if (folder === undefined) return false;
  let content: Buffer;
  try {
    content = await readFile(new URL(file, folder));
  } catch {
    return false;
  }
  response.writeHead(200, {
    ...SAFE_HEADERS,
    ...(file === BRIDGE && { 'Content-Security-Policy': BRIDGE_POLICY }),
    'Content-Type': TYPES[extname(file)] ?? 'text/plain; charset=utf-8',
    'Content-Length': content.length,
  });
  response.end(content);
  return true;
}
