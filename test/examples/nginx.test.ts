import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { defineService } from 'troupe';
import { connect, refused } from '../support/client.ts';
import { has } from '../support/guide.ts';
import { freePort, startNginx, type Proxy } from '../support/nginx.ts';
import { runTypeScript, type Program } from '../support/program.ts';
import { Inbox } from '../support/inbox.ts';
import { serve } from '../support/server.ts';
import { ReturningClient } from '../support/returning-client.ts';

// A real nginx with the example's configuration, at other ports. Without nginx these tests are skipped, and say so.

const curl = promisify(execFile);

interface Backend {
  readonly port: number;
  readonly program: Program;
}

async function startBackend(port: number, env: Record<string, string> = {}): Promise<Backend> {
  const program = runTypeScript('examples/deployment/server.ts', {
    env: { PORT: String(port), DRAIN_TIMEOUT_MS: '5000', ...env },
  });
  await program.printed('Listening');
  return { port, program };
}

/** What it printed at its end: how many messages it has handled. */
async function stop({ program }: Backend): Promise<number> {
  program.child.kill('SIGTERM');
  const { code, output, errors } = await program.ended;
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  return Number(/Closed after (\d+) messages/.exec(output)?.[1]);
}

const trusting = ({ ca }: Proxy) => ({ tls: { ca } });

async function startBoth() {
  const [one, other] = await Promise.all([startBackend(await freePort()), startBackend(await freePort())]);
  return { one, other, proxy: await startNginx([one.port, other.port]) };
}

describe.skipIf(!has('nginx') || !has('openssl'))('nginx with the configuration of the example', () => {
  test('passes WebSockets on, from pages of its own too, and who it was that connected', async () => {
    const seen = new Inbox<Record<string, unknown>>();
    const service = defineService({
      basePath: '/echo',
      authenticate({ headers }) {
        seen.push(headers);
        return {};
      },
      onTextMessage: (connection, text) => connection.pushText(text),
    });
    const { port } = await serve([service]);
    const proxy = await startNginx([port, port]);
    const { host, origin } = new URL(proxy.http('/'));

    const client = await connect(proxy.url('/echo'), {
      ...trusting(proxy),
      origin,
      headers: { 'x-forwarded-for': '203.0.113.9' },
    });

    client.send('hello');
    expect(await client.next()).toBe('hello');
    const forwarded = { host, origin, 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https' };
    expect(await seen.next()).toMatchObject(forwarded);
    expect((await refused(proxy.url('/echo'), { ...trusting(proxy), origin: 'https://evil.example' })).status).toBe(
      403,
    );
  });

  test('shows nobody health, readiness or the inspector', async () => {
    const token = 'a token of some length';
    const backend = await startBackend(await freePort(), { INSPECTOR_TOKEN: token.replaceAll(' ', '-') });
    const proxy = await startNginx([backend.port, backend.port]);
    const paths = ['/healthz', '/readyz', '/__inspector', `/__inspector/?token=${token.replaceAll(' ', '-')}`];
    const statuses = async (of: (path: string) => string): Promise<string[]> => {
      const answers = paths.map((path) =>
        curl('curl', ['-sk', '-o', '/dev/null', '-w', '%{http_code}', of(path)]).then(({ stdout }) => stdout),
      );
      return Promise.all(answers);
    };

    expect(await statuses((path) => proxy.http(path))).toEqual(['404', '404', '404', '404']);
    expect(await statuses((path) => `http://127.0.0.1:${backend.port}${path}`)).toEqual(['200', '200', '403', '303']);
  });

  test('keeps a connection on which nothing is said for longer than its time-out, thanks to the heartbeat', async () => {
    const backend = await startBackend(await freePort(), { HEARTBEAT_INTERVAL_MS: '300' });
    const proxy = await startNginx([backend.port, backend.port], '1s');
    const client = await connect(proxy.url('/echo'), trusting(proxy));

    const begun = Date.now();
    for (let pings = 0; pings < 7; pings += 1) await client.pings.next();

    expect(Date.now() - begun).toBeGreaterThan(1500);
    client.send('still here');
    expect(await client.next()).toBe('still here');
  });

  test('cuts it off without one', async () => {
    const backend = await startBackend(await freePort(), { HEARTBEAT_INTERVAL_MS: '0' });
    const proxy = await startNginx([backend.port, backend.port], '1s');
    const client = await connect(proxy.url('/echo'), trusting(proxy));

    expect(await client.closed).toMatchObject({ code: 1006 });
  });

  test('keeps a connection on which only the remote side speaks', async () => {
    const heard = new Inbox<string>();
    const silent = defineService({
      basePath: '/echo',
      limits: { heartbeatIntervalMs: 0 },
      onTextMessage: (_connection, text) => heard.push(text),
    });
    // Its pings, past nginx, are the time that passes.
    const pinging = defineService({ basePath: '/pings', limits: { heartbeatIntervalMs: 300 }, onTextMessage() {} });
    const server = await serve([silent, pinging]);
    const proxy = await startNginx([server.port, server.port], '1s');
    const client = await connect(proxy.url('/echo'), trusting(proxy));
    const metronome = await connect(server.url('/pings'));

    const begun = Date.now();
    for (let times = 0; times < 7; times += 1) {
      await metronome.pings.next();
      client.send(`${times}`);
      expect(await heard.next()).toBe(`${times}`);
    }

    expect(Date.now() - begun).toBeGreaterThan(1500);
  });

  test('asks the other process when one refuses, as it drains or is not there', async () => {
    const { one, other, proxy } = await startBoth();
    const clients = [
      await connect(proxy.url('/echo'), trusting(proxy)),
      await connect(proxy.url('/echo'), trusting(proxy)),
    ];
    for (const client of clients) {
      client.send('hello');
      await client.next();
    }

    expect(await stop(one)).toBe(1);
    for (let turn = 0; turn < 3; turn += 1) await connect(proxy.url('/echo'), trusting(proxy));

    other.program.child.kill('SIGTERM');
    await other.program.ended;
    expect((await refused(proxy.url('/echo'), trusting(proxy))).status).toBe(502);
  });

  test('loses no message while both processes are restarted one after the other', { timeout: 60_000 }, async () => {
    const { one, other, proxy } = await startBoth();
    const talkers = Array.from(
      { length: 6 },
      (_, index) => new ReturningClient(proxy.url('/echo'), trusting(proxy), `${index}`),
    );
    await Promise.all(talkers.map((talker) => talker.begun));

    const handled = [];
    const restarted = [];
    for (const backend of [one, other]) {
      handled.push(await stop(backend));
      await Promise.all(talkers.map((talker) => talker.progress()));
      restarted.push(await startBackend(backend.port));
      await Promise.all(talkers.map((talker) => talker.progress()));
    }
    const ends = await Promise.all(talkers.map((talker) => talker.end()));
    for (const backend of restarted) handled.push(await stop(backend));

    // Everything was answered, in order and once; and nothing was handled that was not answered.
    expect(ends.map(({ isInOrder }) => isInOrder)).toEqual(talkers.map(() => true));
    expect(handled.reduce((sum, count) => sum + count)).toBe(ends.reduce((sum, { answers }) => sum + answers, 0));
    // Those of the first process came to the other, and from there to the first again.
    expect(ends.flatMap(({ closes }) => closes).every((code) => code === 1012)).toBe(true);
    expect(ends.map(({ closes }) => closes.length).toSorted((one, other) => one - other)).toEqual([1, 1, 1, 2, 2, 2]);
  });
});
