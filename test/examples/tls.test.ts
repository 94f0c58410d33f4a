import { once } from 'node:events';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { SimulatedClock } from 'xstate';
import { start } from '../../examples/tls/server.ts';
import { connect } from '../support/client.ts';
import { commandsOf, has, runCommands, temporaryFolder } from '../support/guide.ts';
import { runTypeScript } from '../support/program.ts';
import { advanceUntil } from '../support/server.ts';

// The certificates are made by the commands of the guide. Without openssl these tests are skipped, and say so.

let first = '';
let second = '';

beforeAll(() => {
  if (!has('openssl')) return;
  const folders = [temporaryFolder(), temporaryFolder()] as const;
  [first, second] = [folders[0].folder, folders[1].folder];
  for (const { folder } of folders) runCommands(commandsOf('certificates'), folder);
  return () => folders.forEach(({ remove }) => remove());
});

/** What a program shows, and which authority it trusts. */
function showing(name: 'client' | 'server' | 'nothing', { of = first, trusting = first } = {}) {
  const ca = readFileSync(join(trusting, 'ca.pem'));
  if (name === 'nothing') return { tls: { ca } };
  return { tls: { ca, key: readFileSync(join(of, `${name}.key`)), cert: readFileSync(join(of, `${name}.pem`)) } };
}

function copyCertificates(from: string, to: string): void {
  for (const name of ['server.key', 'server.pem', 'ca.pem']) copyFileSync(join(from, name), join(to, name));
}

/** A server with the certificates of the first authority, in a folder of its own. */
async function serve(clock?: SimulatedClock) {
  const { folder, remove } = temporaryFolder();
  copyCertificates(first, folder);
  const running = await start({ folder, port: 0, host: '127.0.0.1', ...(clock !== undefined && { clock }) });
  onTestFinished(async () => {
    const closed = running.close();
    await (clock === undefined ? closed : advanceUntil(clock, closed));
    remove();
  });
  return { ...running, folder, url: `${running.url}/sensors` };
}

describe.skipIf(!has('openssl'))('a server that asks for certificates', () => {
  test('lets in who shows one of its authority, by its name', async () => {
    const { url } = await serve();

    const sensor = await connect(url, showing('client'));

    expect(await sensor.next()).toBe('hello sensor-1');
    sensor.send('21.5');
    expect(await sensor.next()).toBe('sensor-1: 21.5');
  });

  test.each([
    ['none', () => showing('nothing')],
    ['one of another authority', () => showing('client', { of: second })],
    ['one that was made for a server', () => showing('server')],
  ])('ends the TLS handshake of who shows %s', async (_which, shown) => {
    const { url, server, troupe } = await serve();
    const upgrades: unknown[] = [];
    server.prependListener('upgrade', (request) => upgrades.push(request));

    await expect(connect(url, shown())).rejects.toThrow();

    expect([upgrades, troupe.connections('/sensors').items]).toEqual([[], []]);
  });

  test('is itself known by its certificate: who trusts another authority does not connect', async () => {
    const { url } = await serve();

    await expect(connect(url, showing('client', { trusting: second }))).rejects.toThrow('self-signed certificate');
  });

  test('closes a connection with 3000 when its certificate expires', async () => {
    const clock = new SimulatedClock();
    const { url } = await serve(clock);
    const sensor = await connect(url, showing('client'));
    await sensor.next();

    const days30 = 30 * 86_400_000;
    expect(
      await advanceUntil(clock, sensor.closed, { limitMs: days30 + 86_400_000, stepMs: 10_000_000 }),
    ).toMatchObject({
      code: 3000,
    });
    expect(clock.now()).toBeGreaterThan(days30 - 3_600_000);
  });
});

describe.skipIf(!has('openssl'))('certificates that are renewed', () => {
  test('are those of the next connection, and the open ones go on', async () => {
    const { url, folder, renew } = await serve();
    const before = await connect(url, showing('client'));
    await before.next();
    copyCertificates(second, folder);

    await renew();

    const after = await connect(url, showing('client', { of: second, trusting: second }));
    expect(await after.next()).toBe('hello sensor-1');
    before.send('still here');
    expect(await before.next()).toBe('sensor-1: still here');
    await expect(connect(url, showing('client', { trusting: second }))).rejects.toThrow();
  });

  // What a resumed session was opened with is not verified anew: it would outlive its authority.
  test('end the sessions that were opened with those before', async () => {
    const { server, folder, renew } = await serve();
    const { port } = server.address() as AddressInfo;
    const shown = { ...showing('client').tls, port, host: '127.0.0.1', rejectUnauthorized: false };
    const opened = connectTls(shown);
    const [session] = (await once(opened, 'session')) as [Buffer];
    const resumed = connectTls({ ...shown, session });
    await once(server, 'secureConnection');
    expect(resumed.isSessionReused()).toBe(true);
    copyCertificates(second, folder);
    await renew();

    const late = connectTls({ ...shown, session }).on('error', () => {});

    await once(late, 'close');
    for (const socket of [opened, resumed]) socket.destroy();
  });

  test('that do not work leave the server as it was', async () => {
    const { url, folder, renew } = await serve();
    writeFileSync(join(folder, 'server.pem'), 'half a fi');

    await expect(renew()).rejects.toThrow('PEM');

    expect(await (await connect(url, showing('client'))).next()).toBe('hello sensor-1');
  });

  test('are taken at SIGHUP by the program', async () => {
    const { folder, remove } = temporaryFolder();
    onTestFinished(remove);
    copyCertificates(first, folder);
    const program = runTypeScript('examples/tls/server.ts', { env: { CERTIFICATES: folder, PORT: '0' } });
    const url = /wss:\S+/.exec(await program.printed('Listening'))?.[0] ?? 'no address';
    const before = await connect(url, showing('client'));
    await before.next();
    copyCertificates(second, folder);

    program.child.kill('SIGHUP');
    await program.printed('renewed');

    const after = await connect(url, showing('client', { of: second, trusting: second }));
    expect(await after.next()).toBe('hello sensor-1');
    before.send('still here');
    expect(await before.next()).toBe('sensor-1: still here');
    program.child.kill('SIGTERM');
    expect((await before.closed).code).toBe(1001);
    expect(await program.ended).toMatchObject({ code: 0, errors: '' });
  });
});
