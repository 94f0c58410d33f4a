import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { handleUpgrade, pathOf, type UpgradeTarget } from '../../src/http/upgrade.ts';
import { createDesk, type TestDesk } from './desk.ts';
import { request, type RequestFields } from './request.ts';

/** Decides about one upgrade; the refusal, or what the service was handed. */
async function decide(desk: TestDesk, fields: RequestFields = {}) {
  const written: Buffer[] = [];
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk);
      done();
    },
  });
  handleUpgrade(desk, request({ url: '/chat', ...fields }), stream, Buffer.alloc(0));
  if (desk.refusals.all.length === 0) return { stream, accepted: await desk.accepted.next() };
  const refusal = await desk.refusals.next();
  return { stream, refusal, answer: Buffer.concat(written).toString() };
}

function deskWith(target: Partial<UpgradeTarget> = {}, fields: Parameters<typeof createDesk>[1] = {}): TestDesk {
  return createDesk({ '/chat': target }, fields);
}

const bad = { headers: { 'sec-websocket-key': 'x' } };
const stranger = { headers: { origin: 'https://evil.example' } };

describe('an upgrade that nothing speaks against', () => {
  it('is handed to the service with all that is known of it', async () => {
    const { accepted } = await decide(deskWith({ subprotocols: ['v2'] }), {
      url: '/chat?room=a&x=%20',
      headers: { 'sec-websocket-protocol': 'v1, v2' },
    });
    expect(accepted).toMatchObject({ url: '/chat?room=a&x=%20', params: {}, subprotocol: 'v2', isSecure: false });
  });

  it('leaves no listener of its own on the stream', () => {
    const stream = new Duplex({ read() {} });
    handleUpgrade(deskWith({ accept() {} }), request({ url: '/chat' }), stream, Buffer.alloc(0));
    expect(stream.listenerCount('error')).toBe(0);
  });
});

describe('an upgrade that is refused', () => {
  it.each<[string, number, TestDesk, RequestFields]>([
    ['a malformed handshake', 400, deskWith(), bad],
    ['an unknown path', 404, createDesk(), {}],
    ['a server that does not accept', 503, deskWith({}, { isAccepting: false }), {}],
    ['a service that does not accept', 503, deskWith({ isAccepting: false }), {}],
    ['an address with too many connections', 429, deskWith({ hasRoomFor: () => false }), {}],
    ['a foreign origin', 403, deskWith(), stranger],
    ['a missing subprotocol', 400, deskWith({ subprotocols: ['v1'], isSubprotocolRequired: true }), {}],
  ])('for %s is answered %i and reported', async (_title, status, desk, fields) => {
    const { refusal, answer } = await decide(desk, { url: '/chat?token=secret', ...fields });
    expect(refusal).toMatchObject({ status, path: '/chat' });
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(desk.accepted.all).toEqual([]);
  });

  it.each([{ isAccepting: false }, { hasRoomFor: () => false }])(
    'with 503 or 429 says when to come again',
    async (target) => {
      const { answer } = await decide(deskWith(target));
      expect(answer).toMatch(/\r\nRetry-After: \d+\r\n/);
    },
  );

  it('is judged as a handshake first, then by path, by readiness, by origin, and last by subprotocol', async () => {
    const everything = { ...stranger, headers: { ...stranger.headers, ...bad.headers } };
    const closed = deskWith({ isAccepting: false, subprotocols: ['v1'], isSubprotocolRequired: true });
    const open = deskWith({ subprotocols: ['v1'], isSubprotocolRequired: true });
    expect((await decide(createDesk(), everything)).refusal?.status).toBe(400);
    expect((await decide(createDesk(), stranger)).refusal?.status).toBe(404);
    expect((await decide(closed, stranger)).refusal?.status).toBe(503);
    expect((await decide(open, stranger)).refusal?.status).toBe(403);
  });

  it('after the service failed to take it over has its stream destroyed, and nothing is thrown', () => {
    const failure = new Error('upgraded before');
    const desk = deskWith({
      accept() {
        throw failure;
      },
    });
    const stream = new Duplex({ read() {} });
    handleUpgrade(desk, request({ url: '/chat' }), stream, Buffer.alloc(0));
    expect(desk.failures.all).toEqual([failure]);
    expect(stream.destroyed).toBe(true);
    expect(() => stream.emit('error', new Error('ECONNRESET'))).not.toThrow();
  });

  it('makes no uncaught error of a reset by the other end', async () => {
    const { stream } = await decide(createDesk());
    expect(() => stream.emit('error', new Error('ECONNRESET'))).not.toThrow();
  });
});

describe('the subprotocol', () => {
  const service = { subprotocols: ['v3', 'v2'] };

  it.each([
    ['the first of the client that the service speaks', 'v1, v2, v3', 'v2'],
    ['none when there is no common one', 'v1, v4', undefined],
    ['none when the client offers none', undefined, undefined],
    ['compared with its case', 'V2', undefined],
  ])('is %s', async (_title, offered, chosen) => {
    const { accepted } = await decide(deskWith(service), { headers: { 'sec-websocket-protocol': offered } });
    expect(accepted?.subprotocol).toBe(chosen);
  });
});

describe('the path of a request target', () => {
  it.each([
    ['/chat', '/chat'],
    ['/chat?a=/b', '/chat'],
    ['/chat#a', '/chat'],
    ['/', '/'],
    ['?a', ''],
    ['http://app.example/chat?a', '/chat'],
    ['http://app.example', '/'],
    ['*', '*'],
    ['//evil.example/chat', '//evil.example/chat'],
  ])('of %s is "%s"', (target, path) => {
    expect(pathOf(target)).toBe(path);
  });
});
