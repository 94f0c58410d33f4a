import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SimulatedClock } from 'xstate';
import { createTroupe, defineService, type HandshakeRequest, type ServiceOptions } from 'troupe';
import { connect, refused, type Refusal } from '../support/client.ts';
import { at, echo, secret } from '../support/forms.ts';
import { createGate, Inbox, type Gate } from '../support/inbox.ts';
import { frame, handshake, opcodes, rawConnect, type RawClient } from '../support/raw.ts';
import { advance, serve, watch, type ServeOptions } from '../support/server.ts';

const path = '/test/websocket';

interface Waiting {
  readonly request: HandshakeRequest;
  readonly gate: Gate<string>;
}

/** A service whose handshakes wait until the test decides. */
function slow(options: ServiceOptions = {}) {
  const waiting = new Inbox<Waiting>();
  const service = defineService({
    ...at(path),
    ...options,
    authenticate(request: HandshakeRequest) {
      const gate = createGate<string>();
      waiting.push({ request, gate });
      return gate.opened;
    },
    onOpen: (connection) => connection.pushText(`hello ${connection.auth}`),
    onTextMessage(connection, text) {
      if (text === 'crash') throw new Error(secret);
      connection.pushText(text.length < 100 ? text : `${text.length}`);
    },
  });
  return { waiting, service };
}

async function serveSlow(options: ServiceOptions = {}, server: ServeOptions = {}) {
  const { waiting, service } = slow(options);
  const { troupe, port } = await serve([service, echo('handlers', at('/echo/ws'))], server);
  return { waiting, troupe, port, url: (where: string) => `ws://127.0.0.1:${port}${where}` };
}

/** Resolves when the signal is aborted. */
function aborted({ request: { signal } }: Waiting): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve());
  });
}

async function knock(port: number, more: Buffer | string = ''): Promise<RawClient> {
  const client = await rawConnect(port);
  client.write(Buffer.concat([Buffer.from(handshake(path)), Buffer.from(more)]));
  return client;
}

const text = (payload: string): Buffer => frame({ opcode: opcodes.text, payload });

describe('what is sent before the 101', () => {
  it('is kept in order, that of the same segment as well as what follows', async () => {
    const { waiting, port } = await serveSlow();
    const client = await knock(port, text('one'));
    const { gate } = await waiting.next();
    client.write(text('two'));
    client.write(text('three').subarray(0, 4));
    gate.open('ada');
    expect((await client.answer()).status).toBe(101);
    client.write(Buffer.concat([text('three').subarray(4)]));

    expect([await client.nextText(), await client.nextText(), await client.nextText()]).toEqual([
      'hello ada',
      'one',
      'two',
    ]);
  });

  it('is bounded: TCP holds back who sends much, and nothing of it is lost', async () => {
    const { waiting, port, url } = await serveSlow();
    const client = await knock(port);
    const { gate } = await waiting.next();
    const count = 512;
    const message = text('x'.repeat(65_536));
    for (let index = 0; index < count; index += 1) client.socket.write(message);
    // Round trips of another connection: whatever would be taken has been taken.
    const other = await connect(url('/echo/ws'));
    for (let round = 0; round < 200; round += 1) await other.ping(`${round}`);
    expect(client.socket.writableLength).toBeGreaterThan((count * message.length) / 2);

    gate.open('ada');
    expect((await client.answer()).status).toBe(101);
    expect(await client.nextText()).toBe('hello ada');
    for (let index = 0; index < count; index += 1) expect(await client.nextText()).toBe('65536');
  });
});

describe('a remote side that goes away while it waits', () => {
  it.each([
    ['ends its side', (client: RawClient) => client.socket.end()],
    ['resets the connection', (client: RawClient) => client.reset()],
  ])('and %s aborts the signal; nothing is opened, refused or reported', async (_how, leave) => {
    const { waiting, port, troupe, url } = await serveSlow();
    const refusals = watch(troupe, 'upgrade.refused');
    const failures = watch(troupe, 'callback.failed');
    const client = await knock(port);
    const waiter = await waiting.next();

    leave(client);
    await aborted(waiter);
    // What a look-up does that heeds the signal.
    waiter.gate.fail(new Error('aborted'));

    const next = connect(url(path));
    (await waiting.next()).gate.open('bob');
    expect(await (await next).next()).toBe('hello bob');
    expect([refusals.all, failures.all]).toEqual([[], []]);
    expect(troupe.connections(path).items).toHaveLength(1);
  });

  it('gives its place to others', async () => {
    const { waiting, port } = await serveSlow({ limits: { maxWaitingHandshakes: 1 } });
    for (let round = 0; round < 3; round += 1) {
      const client = await knock(port);
      const waiter = await waiting.next();
      client.reset();
      await aborted(waiter);
    }
    const client = await knock(port);
    (await waiting.next()).gate.open('ada');

    expect((await client.answer()).status).toBe(101);
  });

  it('is not let in when its auth comes late', async () => {
    const { waiting, port, troupe } = await serveSlow();
    const opened = watch(troupe, 'connection.opened');
    const gone = await knock(port);
    const waiter = await waiting.next();
    gone.reset();
    await aborted(waiter);
    waiter.gate.open('ada');
    const client = await knock(port);
    (await waiting.next()).gate.open('bob');
    await client.answer();

    expect(opened.all).toHaveLength(1);
  });
});

describe('the time of a handshake', () => {
  it('is bounded: 503, and the signal is aborted', async () => {
    const clock = new SimulatedClock();
    const { waiting, url, troupe } = await serveSlow({}, { clock, limits: { handshakeTimeoutMs: 2_000 } });
    const refusals = watch(troupe, 'upgrade.refused');
    const refusal = refused(url(path));
    const waiter = await waiting.next();

    await advance(clock, 1_900, 100);
    expect(waiter.request.signal.aborted).toBe(false);
    await advance(clock, 200, 100);

    const { status, headers } = await refusal;
    expect([status, headers['retry-after']]).toEqual([503, '5']);
    expect(waiter.request.signal.aborted).toBe(true);
    expect(await refusals.next()).toMatchObject({ status: 503, path });
  });

  it('is over once it has been answered', async () => {
    const clock = new SimulatedClock();
    const { waiting, url } = await serveSlow({}, { clock, limits: { handshakeTimeoutMs: 2_000 } });
    const client = connect(url(path));
    const { gate, request } = await waiting.next();
    gate.open('ada');
    expect(await (await client).next()).toBe('hello ada');

    await advance(clock, 10_000, 1_000);

    (await client).send('still here');
    expect(await (await client).next()).toBe('still here');
    expect(request.signal.aborted).toBe(false);
  });
});

describe('the handshakes that wait', () => {
  it('are bounded: beyond it 503 at once, for that service alone', async () => {
    const { waiting, url } = await serveSlow({ limits: { maxWaitingHandshakes: 2 } });
    const first = connect(url(path));
    const second = connect(url(path));
    const [one, two] = [await waiting.next(), await waiting.next()];

    expect((await refused(url(path))).status).toBe(503);
    await connect(url('/echo/ws'));
    expect(waiting.all).toHaveLength(2);

    one.gate.open('ada');
    await first;
    const third = connect(url(path));
    two.gate.open('bob');
    (await waiting.next()).gate.open('eve');
    await Promise.all([second, third]);
  });

  it.each([
    ['the service', { limits: { maxConnections: 2 } }, {}],
    ['the server', {}, { limits: { maxConnections: 2 } }],
  ])('take places of %s: who comes when all are taken is refused at once', async (whose, options, server) => {
    const { waiting, url, troupe } = await serveSlow(options, server);
    const clients = [connect(url(path)), connect(url(path))];
    const waiters = [await waiting.next(), await waiting.next()];

    const flood = await Promise.all(Array.from({ length: 5 }, () => refused(url(path))));
    expect(flood.map(({ status }) => status)).toEqual([503, 503, 503, 503, 503]);
    if (whose === 'the server') expect((await refused(url('/echo/ws'))).status).toBe(503);
    else await connect(url('/echo/ws'));
    expect(waiting.all).toHaveLength(2);

    // They take their own places, and no other beside.
    for (const { gate } of waiters) gate.open('ada');
    for (const client of clients) expect(await (await client).next()).toBe('hello ada');
    expect(troupe.connections(path).items).toHaveLength(2);
    expect((await refused(url(path))).status).toBe(503);
  });

  it.each([
    ['refused', ({ gate }: Waiting) => gate.fail(new Error(secret))],
    ['gone', (_waiter: Waiting, client: RawClient) => client.reset()],
  ])('give the place back when they are %s', async (how, end) => {
    const { waiting, port, troupe, url } = await serveSlow({ limits: { maxConnections: 1 } });
    watch(troupe, 'callback.failed');
    const client = await knock(port);
    const waiter = await waiting.next();
    const over = aborted(waiter);
    end(waiter, client);
    await (how === 'gone' ? over : client.answer());

    const next = connect(url(path));
    (await waiting.next()).gate.open('bob');
    expect(await (await next).next()).toBe('hello bob');
  });

  it('are judged again before the 101: the service may have failed meanwhile', async () => {
    const { waiting, url, troupe } = await serveSlow({ supervision: { intensity: { crashes: 1, withinMs: 60_000 } } });
    const failed = watch(troupe, 'service.failed');
    watch(troupe, 'connection.crashed');
    const entering = connect(url(path));
    (await waiting.next()).gate.open('ada');
    const client = await entering;
    const late = refused(url(path));
    const { gate } = await waiting.next();
    client.send('crash');
    await failed.next();
    gate.open('eve');

    expect((await late).status).toBe(503);
  });
});

describe('handshakes that wait when their service ends', () => {
  async function refusedMeanwhile(
    end: (troupe: Awaited<ReturnType<typeof serveSlow>>['troupe']) => Promise<void>,
  ): Promise<{ refusal: Refusal; waiter: Waiting }> {
    const { waiting, url, troupe } = await serveSlow();
    const refusal = refused(url(path));
    const waiter = await waiting.next();
    const ended = end(troupe);
    const answered = await refusal;
    await ended;
    return { refusal: answered, waiter };
  }

  it.each([
    ['the server closes', (troupe) => troupe.close()],
    ['the service is detached', (troupe) => troupe.detachService(path)],
    ['the service is replaced', (troupe) => troupe.replaceService(echo('handlers', at(path)))],
  ] satisfies [string, Parameters<typeof refusedMeanwhile>[0]][])(
    'are refused with 503 at once when %s, and their signal is aborted',
    async (_title, end) => {
      const { refusal, waiter } = await refusedMeanwhile(end);

      expect([refusal.status, refusal.headers['retry-after']]).toEqual([503, '5']);
      expect(waiter.request.signal.aborted).toBe(true);
      waiter.gate.open('too late');
    },
  );

  it('may have ended it themselves', async () => {
    const service = defineService({
      ...at(path),
      authenticate() {
        void troupe.detachService(path);
        return 'ada';
      },
      onOpen: () => undefined,
    });
    const server = await serve([service]);
    const { troupe } = server;

    expect((await refused(server.url(path))).status).toBe(503);
    expect((await refused(server.url(path))).status).toBe(404);
  });

  it("are refused on an application's server too, whatever their code does", async () => {
    const { waiting, service } = slow();
    const troupe = createTroupe({ services: [service] });
    const application = createServer();
    troupe.attach(application);
    await new Promise<void>((resolve) => {
      application.listen(0, '127.0.0.1', resolve);
    });
    onTestFinished(() => void application.close());
    const refusal = refused(`ws://127.0.0.1:${(application.address() as AddressInfo).port}${path}`);
    await waiting.next();
    await troupe.close();

    expect((await refusal).status).toBe(503);
  });
});
