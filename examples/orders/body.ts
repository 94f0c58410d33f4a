/** The few lines between a bare node:http server and a JSON route: bounded bodies, clear refusals. */
import type { IncomingMessage, ServerResponse } from 'node:http';

export const maxBodyBytes = 64 * 1024;

/** How much of an oversized body is read and thrown away, so that its sender gets to read the 413. */
const maxDiscardedBytes = 1024 * 1024;

/** An answer that is not a fault of the server; its message is for the one who asked. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
  }
}

/** The whole body as text. Throws a Refusal when it is empty, too large or no UTF-8. */
export async function readText(request: IncomingMessage): Promise<string> {
  const body = await readBytes(request);
  if (body.byteLength === 0) throw new Refusal(400, 'The body is empty; it is the text to push.');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new Refusal(400, 'The body is not valid UTF-8 text.');
  }
}

function readBytes(request: IncomingMessage): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    request.on('data', (chunk: Uint8Array) => {
      bytes += chunk.byteLength;
      if (bytes <= maxBodyBytes) chunks.push(chunk);
      else reject(new Refusal(413, `The body may have at most ${maxBodyBytes} bytes.`));
      if (bytes > maxDiscardedBytes) request.destroy();
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', () => reject(new Refusal(400, 'The body ended before it was complete.')));
    request.on('close', () => reject(new Refusal(400, 'The body ended before it was complete.')));
  });
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  });
  response.end(`${JSON.stringify(body)}\n`);
}
