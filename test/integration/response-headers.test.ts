import { describe, expect, it } from 'vitest';
import { defineService, type HandshakeOptions, type ServiceOptions } from 'troupe';
import { connect, refused } from '../support/client.ts';
import { at, forms, secret } from '../support/forms.ts';
import { guarded } from '../support/guarded.ts';
import { acceptFor, handshake, rawConnect } from '../support/raw.ts';
import { serve, watch } from '../support/server.ts';

const path = '/test/websocket';

type Headers = NonNullable<HandshakeOptions['responseHeaders']>;

async function answerOf(
  responseHeaders: Headers,
  { extensions, ...options }: ServiceOptions & { extensions?: string } = {},
) {
  const service = defineService({
    ...at(path),
    ...options,
    responseHeaders,
    onOpen: (connection) => connection.pushText('hello'),
  });
  const { port, troupe } = await serve([service]);
  const failures = watch(troupe, 'callback.failed');
  const client = await rawConnect(port);
  client.write(handshake(path, { headers: { 'Sec-WebSocket-Extensions': extensions } }));
  let text = '';
  client.socket.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
  });
  const answer = await client.answer();
  return { ...answer, text, failures };
}

describe.each([
  ['as they come', {}],
  ['with compression', { compression: true, extensions: 'permessage-deflate' }],
] as const)('headers of a service in the answer 101, %s', (_how, options) => {
  it('are added to those of the handshake', async () => {
    const { status, headers, text } = await answerOf(
      { 'X-Served-By': 'node-1', 'Set-Cookie': ['a=1; HttpOnly', 'b=2'] },
      options,
    );

    expect([status, headers['sec-websocket-accept'], headers['x-served-by']]).toEqual([101, acceptFor(), 'node-1']);
    expect(text).toContain('\r\nSet-Cookie: a=1; HttpOnly\r\nSet-Cookie: b=2\r\n');
  });

  it('may be made of the request', async () => {
    const { headers } = await answerOf(({ path: asked }) => ({ 'X-Path': asked }), options);

    expect(headers['x-path']).toBe(path);
  });

  it.each<[string, Record<string, unknown>]>([
    ['a line end', { 'X-A': 'a\r\nX-B: b' }],
    ['half a line end', { 'X-A': 'a\nb' }],
    ['a null byte', { 'X-A': 'a\0b' }],
    ['letters beyond ASCII', { 'X-A': 'ä' }],
    ['a name that is no token', { 'X A': 'a' }],
    ['a line end in a name', { 'X-A: a\r\nX-B': 'b' }],
    ['no text', { 'X-A': 5 }],
    ['a header of the handshake', { 'sec-websocket-accept': 'x' }],
    ['another extension', { 'Sec-WebSocket-Extensions': 'x' }],
    ['a header of the connection', { Connection: 'close' }],
    ['a length', { 'content-length': '5' }],
  ])('that hold %s are sent to nobody: 500, and the failure is reported', async (_what, headers) => {
    const { status, text, failures } = await answerOf(() => headers as Record<string, string>, options);

    expect(status).toBe(500);
    expect(text).not.toMatch(/X-[AB]/i);
    expect(await failures.next()).toMatchObject({
      callback: `responseHeaders of service "${path}"`,
      error: { code: 'TROUPE_ARGUMENT_INVALID' },
    });
  });

  it('that hold such a thing from the beginning are an error at the definition', () => {
    const define = (headers: Record<string, string>) => () =>
      defineService({ ...at(path), responseHeaders: headers, onOpen: () => undefined });

    expect(define({ 'X-A': `${secret}\r\n` })).toThrow(/printable ASCII without line ends/);
    expect(define({ 'X-A': `${secret}\r\n` })).not.toThrow(secret);
    expect(define({ Upgrade: 'h2c' })).toThrow('without the headers of the handshake itself, but is with "Upgrade"');
  });
});

describe.each(forms)('the headers of a guarded service of %s', (form) => {
  it('may be made of the auth, and are sent to nobody who is refused', async () => {
    const { service } = guarded(form, at(path), {
      authenticate: ({ query }) => (query.has('user') ? { user: query.get('user') ?? '' } : undefined),
      responseHeaders: (_request, auth) => ({ 'Set-Cookie': `user=${(auth as { user: string }).user}` }),
    });
    const server = await serve([service]);
    const client = await rawConnect(server.port);
    client.write(handshake(`${path}?user=ada`));

    expect((await client.answer()).headers['set-cookie']).toBe('user=ada');
    expect((await refused(server.url(path))).headers).not.toHaveProperty('set-cookie');
  });
});

describe('selectSubprotocol', () => {
  function speaking(select: (offered: readonly string[]) => string | undefined, options: ServiceOptions = {}) {
    return defineService({
      ...at(path),
      ...options,
      selectSubprotocol: select,
      onOpen: (connection) => connection.pushText(`speaks "${connection.subprotocol}"`),
    });
  }

  it('chooses among what is offered, in an order of its own', async () => {
    const server = await serve([speaking((offered) => offered.toSorted().at(-1))]);
    const client = await connect(server.url(path), { protocols: ['v1', 'v3', 'v2'] });

    expect([client.socket.protocol, await client.next()]).toEqual(['v3', 'speaks "v3"']);
  });

  it('is given only what the service lists', async () => {
    const server = await serve([speaking((offered) => offered.toSorted().at(-1), { subprotocols: ['v1', 'v2'] })]);
    const client = await connect(server.url(path), { protocols: ['v1', 'v3', 'v2'] });

    expect(await client.next()).toBe('speaks "v2"');
  });

  it('may choose none, which is a refusal when one is required', async () => {
    const lenient = await serve([speaking(() => undefined)]);
    const client = await rawConnect(lenient.port);
    client.write(handshake(path, { headers: { 'Sec-WebSocket-Protocol': 'v1' } }));
    const { status, headers } = await client.answer();
    expect([status, headers['sec-websocket-protocol']]).toEqual([101, undefined]);

    const strict = await serve([speaking(() => undefined, { subprotocolRequired: true })]);
    const refusal = await refused(strict.url(path), { protocols: ['v1'] });
    expect([refusal.status, refusal.body]).toEqual([400, '400 Bad Request: a subprotocol is required\n']);
  });

  it('is not asked when nothing is offered', async () => {
    const server = await serve([speaking(() => 'v9')]);

    expect(await (await connect(server.url(path))).next()).toBe('speaks ""');
  });

  it('that chooses what was not offered has failed: 500, reported', async () => {
    const server = await serve([speaking(() => 'v9')]);
    const failures = watch(server.troupe, 'callback.failed');

    expect((await refused(server.url(path), { protocols: ['v1'] })).status).toBe(500);
    expect((await failures.next()).callback).toBe(`selectSubprotocol of service "${path}"`);
  });
});
