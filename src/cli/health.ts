/** What `--health` answers to the probes of whoever runs the program. */
import type { Health, HttpListener } from '../index.ts';

/** Answers at `path` with the health of this node; `otherwise` answers everywhere else. */
export function answerHealth(path: string, otherwise: HttpListener | undefined, health: () => Health): HttpListener {
  return (request, response): unknown => {
    const [asked] = (request.url ?? '').split('?');
    if (asked !== path) {
      if (otherwise !== undefined) return otherwise(request, response);
      response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' });
      return response.end('404 Not Found: there is nothing at this path\n');
    }
    const { backplane, ...node } = health();
    // Why a link is down names hosts: that is for operators, and whoever reaches the port may ask here.
    const { error: _, ...link } = backplane ?? {};
    const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
    response.writeHead(node.isReady ? 200 : 503, headers);
    return response.end(`${JSON.stringify(backplane === undefined ? node : { ...node, backplane: link })}\n`);
  };
}
