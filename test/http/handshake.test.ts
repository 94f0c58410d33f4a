import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkHandshake, offeredSubprotocols } from '../../src/http/handshake.ts';
import { request, type RequestFields } from './request.ts';

describe('a handshake', () => {
  it('with every field as RFC 6455 §4.2.1 says is a good one', () => {
    expect(checkHandshake(request())).toBeUndefined();
  });

  it.each<[string, RequestFields]>([
    ['Upgrade in another case', { headers: { upgrade: 'WebSocket' } }],
    ['HTTP/1.2, as later versions are allowed', { version: [1, 2] }],
    ['any 16 bytes as its key', { headers: { 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' } }],
    ['subprotocols', { headers: { 'sec-websocket-protocol': 'chat.v1, chat.v2' } }],
    ['no Origin, as programs send none', { headers: { origin: undefined } }],
  ])('with %s is a good one', (_title, fields) => {
    expect(checkHandshake(request(fields))).toBeUndefined();
  });

  it('of any 16 random bytes is a good one', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const key = Buffer.from(bytes).toString('base64');
        expect(checkHandshake(request({ headers: { 'sec-websocket-key': key } }))).toBeUndefined();
      }),
    );
  });

  it.each(['POST', 'HEAD', 'PUT', 'get', 'CONNECT'])('with the method %s is answered 405 with Allow', (method) => {
    expect(checkHandshake(request({ method }))).toMatchObject({ status: 405, headers: { Allow: 'GET' } });
  });

  it.each([undefined, '', 'h2c', 'websocket, h2c', 'websockets'])('with the upgrade %j is answered 426', (upgrade) => {
    const refusal = checkHandshake(request({ headers: { upgrade } }));
    expect(refusal).toMatchObject({ status: 426, headers: { Upgrade: 'websocket' } });
  });

  it.each([
    [1, 0],
    [0, 9],
  ] as const)('with HTTP/%i.%i is answered 400', (major, minor) => {
    expect(checkHandshake(request({ version: [major, minor] }))?.status).toBe(400);
  });

  it.each(['8', '12', '14', '013', '13, 13', '13.0', '', 'x'])(
    'with version %j is answered 426 with the version',
    (version) => {
      expect(checkHandshake(request({ headers: { 'sec-websocket-version': version } }))).toMatchObject({
        status: 426,
        headers: { 'Sec-WebSocket-Version': '13' },
      });
    },
  );

  it('without a version is answered 400', () => {
    expect(checkHandshake(request({ headers: { 'sec-websocket-version': undefined } }))?.status).toBe(400);
  });

  it.each([
    undefined,
    '',
    'AAAA',
    'AAAAAAAAAAAAAAAAAAAAAAAA',
    'AAAAAAAAAAAAAAAAAAAAA===',
    'AAAAAAAAAAAAAAAAAAAAAA=',
    'AAAAAAAAAAAAAAAAAAAA-_==',
    'AAAAAAAAAAAAAAAAAAAAAA== ',
    'dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==',
  ])('with the key %j is answered 400', (key) => {
    expect(checkHandshake(request({ headers: { 'sec-websocket-key': key } }))?.status).toBe(400);
  });

  it.each(['', ',', 'a,', ',a', 'a,,b', 'a b', 'a, a', 'a/b', '"a"', 'ä'])(
    'with the subprotocols %j is answered 400',
    (subprotocols) => {
      expect(checkHandshake(request({ headers: { 'sec-websocket-protocol': subprotocols } }))?.status).toBe(400);
    },
  );

  it('that is wrong in several fields gets one reason, and no reason repeats what was sent', () => {
    const secret = 'secret-value';
    fc.assert(
      fc.property(
        fc.subarray(['upgrade', 'sec-websocket-version', 'sec-websocket-key', 'sec-websocket-protocol'], {
          minLength: 1,
        }),
        (wrong) => {
          const headers = Object.fromEntries(wrong.map((name) => [name, `${secret} ${name}`]));
          const refusal = checkHandshake(request({ headers }));
          expect(refusal?.reason).toMatch(/^[a-z]/);
          expect(JSON.stringify(refusal)).not.toContain(secret);
        },
      ),
    );
  });
});

describe('the subprotocols that are offered', () => {
  it.each([
    [undefined, []],
    ['chat', ['chat']],
    ['b,a , c', ['b', 'a', 'c']],
    ["!#$%&'*+-.^_`|~0aZ", ["!#$%&'*+-.^_`|~0aZ"]],
    ['A, a', ['A', 'a']],
  ])('of %j are %j', (header, offered) => {
    expect(offeredSubprotocols(header === undefined ? {} : { 'sec-websocket-protocol': header })).toEqual(offered);
  });
});
