import { describe, expect, it } from 'vitest';
import { defineService, type Connection } from 'troupe';
import { connect, refused } from '../support/client.ts';
import { at, echo } from '../support/forms.ts';
import { handshake, rawConnect } from '../support/raw.ts';
import { serve, watch, type ServeOptions, type Server } from '../support/server.ts';

const path = '/test/websocket';

function serveEcho(options: ServeOptions = {}): Promise<Server> {
  return serve([echo('handlers', at(path))], options);
}

async function accepts(server: Server, origin: string, where = path): Promise<boolean> {
  const client = await rawConnect(server.port);
  client.write(handshake(where, { headers: { Host: `127.0.0.1:${server.port}`, Origin: origin } }));
  const { status } = await client.answer();
  client.destroy();
  if (status !== 101 && status !== 403) throw new Error(`the server answered ${status}`);
  return status === 101;
}

describe('without allowedOrigins', () => {
  it('a program without an Origin header is accepted', async () => {
    const server = await serveEcho();
    const client = await connect(server.url(path));
    client.send('hi');

    expect(await client.next()).toBe('hi');
  });

  it('a page of the same origin is accepted', async () => {
    const server = await serveEcho();

    expect(await accepts(server, `http://127.0.0.1:${server.port}`)).toBe(true);
  });

  it.each([
    ['of another host', () => 'http://evil.example'],
    ['of another port', (port: number) => `http://127.0.0.1:${port + 1}`],
    ['of the default port', () => 'http://127.0.0.1'],
    ['of another name for the same machine', (port: number) => `http://localhost:${port}`],
    ['of a host that begins like ours', (port: number) => `http://127.0.0.1:${port}.evil.example`],
    ['of a host that carries ours as user name', (port: number) => `http://127.0.0.1:${port}@evil.example`],
    ['of no origin (a sandbox, a file)', () => 'null'],
    ['of an empty origin', () => ''],
    ['of a broken origin', () => 'http://['],
    ['of a scheme that is no web page', (port: number) => `ftp://127.0.0.1:${port}`],
  ])('a page %s is refused with 403', async (_title, originFor) => {
    const server = await serveEcho();

    expect(await accepts(server, originFor(server.port))).toBe(false);
  });

  it('a refusal is reported and never reaches the service', async () => {
    const opened: string[] = [];
    const service = defineService({
      ...at(path),
      onOpen(connection: Connection) {
        opened.push(connection.id);
        connection.pushText('hello');
      },
    });
    const server = await serve([service]);
    const refusals = watch(server.troupe, 'upgrade.refused');

    expect(await refused(server.url(path), { origin: 'http://evil.example' })).toMatchObject({ status: 403 });

    expect(await refusals.next()).toMatchObject({ status: 403, path });
    const client = await connect(server.url(path));
    await client.next();
    expect(opened).toHaveLength(1);
  });
});

describe('allowedOrigins', () => {
  it('opens the server to the listed origins and to its own, not to others', async () => {
    const server = await serveEcho({ allowedOrigins: ['https://app.example', 'http://localhost:5173'] });

    expect(await accepts(server, 'https://app.example')).toBe(true);
    expect(await accepts(server, 'http://localhost:5173')).toBe(true);
    expect(await accepts(server, `http://127.0.0.1:${server.port}`)).toBe(true);
    expect(await accepts(server, 'http://app.example')).toBe(false);
    expect(await accepts(server, 'https://app.example:8443')).toBe(false);
    expect(await accepts(server, 'https://app.example.evil.example')).toBe(false);
    expect(await accepts(server, 'https://sub.app.example')).toBe(false);
    expect(await accepts(server, 'null')).toBe(false);
  });

  it("of '*' opens it to all", async () => {
    const server = await serveEcho({ allowedOrigins: '*' });

    expect(await accepts(server, 'http://anything.example')).toBe(true);
    expect(await accepts(server, 'null')).toBe(true);
  });

  it("of a service count for it alone and replace the server's", async () => {
    const open = defineService({ ...at('/open/ws'), allowedOrigins: '*', onOpen: () => undefined });
    const listed = defineService({
      ...at('/listed/ws'),
      allowedOrigins: ['https://listed.example'],
      onOpen: () => undefined,
    });
    const server = await serve([open, listed, echo('handlers', at(path))], {
      allowedOrigins: ['https://app.example'],
    });

    expect(await accepts(server, 'https://other.example', '/open/ws')).toBe(true);
    expect(await accepts(server, 'https://listed.example', '/listed/ws')).toBe(true);
    expect(await accepts(server, 'https://app.example', '/listed/ws')).toBe(false);
    expect(await accepts(server, 'https://app.example')).toBe(true);
    expect(await accepts(server, 'https://listed.example')).toBe(false);
  });
});
