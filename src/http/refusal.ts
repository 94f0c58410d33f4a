/** Answers to upgrades that are not accepted. They say what is wrong and nothing of the server's inside. */
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/** An HTTP answer instead of the upgrade. */
export interface Refusal {
  readonly status: number;
  /** What was wrong and what was expected, for the one who sent the request. */
  readonly reason: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Writes `refusal` and ends the connection. */
export function refuse(stream: Duplex, { status, reason, headers = {} }: Refusal): void {
  if (!stream.writable) {
    stream.destroy();
    return;
  }
  const body = `${status} ${STATUS_CODES[status]}: ${reason}\n`;
  const head = {
    Connection: 'close',
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  };
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}`);
  stream.once('finish', () => stream.destroy());
  stream.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
}
