/**
 * The plain HTTP side of the examples: the page with its few files, and the
 * routes of order notifications.
 *
 * The files are a fixed list, read once at start-up. What is asked for is looked
 * up in it and never joined to a path, so nothing else can be reached.
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

const types = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

const files = new Map<string, { type: string; content: Uint8Array }>(
  (
    [
      ['/', 'index.html', types.html],
      ['/style.css', 'style.css', types.css],
      ['/favicon.svg', 'favicon.svg', types.svg],
      ['/app.js', 'app.js', types.js],
      ['/chart.js', 'chart.js', types.js],
      ['/element.js', 'element.js', types.js],
      ['/feed.js', 'feed.js', types.js],
      ['/orders.js', 'orders.js', types.js],
      ['/panel.js', 'panel.js', types.js],
      ['/socket.js', 'socket.js', types.js],
      ['/states.js', 'states.js', types.js],
      ['/table.js', 'table.js', types.js],
    ] as const
  ).map(([path, file, type]) => [path, { type, content: readFileSync(new URL(`../page/${file}`, import.meta.url)) }]),
);

/** Where somebody who types an address into a browser finds no page. */
const webSocketPath = /^\/(test\/websocket|chat\/[^/]+|orders\/updates|showcase\/states)\/?$/;

/** The inspector answers there itself, if it is on. */
const inspectorPath = /^\/__inspector(\/|$)/;

/** Everything from this server, nothing inline, no frame around it. */
const securityHeaders = {
  'content-security-policy':
    "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
};

export function createSite(routes: (request: IncomingMessage, response: ServerResponse) => boolean): Listener {
  return (request, response) => {
    if (routes(request, response)) return;
    const [pathname = '/'] = (request.url ?? '/').split('?');
    if (webSocketPath.test(pathname)) {
      response.setHeader('upgrade', 'websocket');
      return refuse(response, 426, 'This is a WebSocket endpoint. Try it on the page at /.');
    }
    if (inspectorPath.test(pathname)) {
      return refuse(response, 404, 'There is no inspector here, because other machines can reach this address.');
    }
    const file = files.get(pathname);
    if (!file) return refuse(response, 404, `There is nothing at ${pathname}. The page is at /.`);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return refuse(response, 405, 'This can only be read.');
    }
    response.writeHead(200, {
      ...securityHeaders,
      'content-type': file.type,
      'content-length': file.content.byteLength,
      'cache-control': 'no-cache',
    });
    response.end(request.method === 'HEAD' ? undefined : file.content);
  };
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { ...securityHeaders, 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${text}\n`);
}
