import { Duplex, PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { refuse, type Refusal } from '../../src/http/refusal.ts';

/** Takes down what is written to it. */
function sink() {
  const chunks: Buffer[] = [];
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  const closed = new Promise<void>((resolve) => {
    stream.once('close', resolve);
  });
  return { stream, closed, text: () => Buffer.concat(chunks).toString() };
}

describe('a refusal', () => {
  it('is a whole HTTP answer, after which the connection ends', async () => {
    const { stream, closed, text } = sink();
    refuse(stream, { status: 404, reason: 'there is nothing – at all', headers: { 'Retry-After': '5' } });
    await closed;
    const [head = '', body = ''] = text().split('\r\n\r\n');
    const [statusLine, ...headers] = head.split('\r\n');
    expect(statusLine).toBe('HTTP/1.1 404 Not Found');
    expect(headers).toContain('Connection: close');
    expect(headers).toContain('Content-Type: text/plain; charset=utf-8');
    expect(headers).toContain('Retry-After: 5');
    expect(headers).toContain(`Content-Length: ${Buffer.byteLength(body)}`);
    expect(body).toBe('404 Not Found: there is nothing – at all\n');
    expect(stream.destroyed).toBe(true);
  });

  it.each([400, 403, 404, 405, 426, 503])('with %i has the phrase of its status', async (status) => {
    const { stream, closed, text } = sink();
    refuse(stream, { status, reason: 'x' });
    await closed;
    expect(text()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [A-Z][A-Za-z ]+\r\n`));
  });

  it('only destroys a stream that cannot be written any more', async () => {
    const { stream, closed, text } = sink();
    stream.end();
    refuse(stream, { status: 503, reason: 'too late' } satisfies Refusal);
    await closed;
    expect(text()).toBe('');
  });

  it('does nothing to a stream that is destroyed already', () => {
    const stream = new PassThrough();
    stream.destroy();
    refuse(stream, { status: 503, reason: 'too late' });
    expect(stream.destroyed).toBe(true);
  });
});
