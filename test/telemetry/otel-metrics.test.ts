/** The metrics of `troupe/otel` on real connections, with the SDK of OpenTelemetry. */
import { metrics as globalMetrics } from '@opentelemetry/api';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fromTransition, SimulatedClock } from 'xstate';
import { defineService, serviceSetup, type Connection } from 'troupe';
import { instrument, type InstrumentOptions } from 'troupe/otel';
import { definitions } from '../../src/telemetry/otel/instruments.ts';
import { connect, refused } from '../support/client.ts';
import { at, echo, forms } from '../support/forms.ts';
import { fragile } from '../support/fragile.ts';
import { createGate } from '../support/inbox.ts';
import { sdk } from '../support/otel.ts';
import { advanceUntil, serve, watch, type Server } from '../support/server.ts';

const path = '/test/websocket';
const of = { 'troupe.service': path };
const connected = 'connection.connected';

/** Instrumented with metrics alone. */
function measure(server: Server, options: InstrumentOptions = {}) {
  const measured = sdk();
  const { meterProvider } = measured;
  onTestFinished(instrument(server.troupe, { meterProvider, tracerProvider: false, ...options }));
  return measured;
}

describe.each(forms)('a service made with %s', (form) => {
  it('is measured from the upgrade to the close', async () => {
    const server = await serve([echo(form, at(path))]);
    const { points } = measure(server);
    const closed = watch(server.troupe, 'connection.closed');
    const clients = [await connect(server.url(path)), await connect(server.url(path))];
    for (const client of clients) {
      client.send('né');
      await client.next();
      client.send(new Uint8Array(100));
      await client.next();
    }
    expect(await points('troupe.active_connections')).toEqual([{ attributes: of, value: 2 }]);
    await clients[0]!.close(1000);
    await closed.next();

    expect(await points('troupe.active_connections')).toEqual([{ attributes: of, value: 1 }]);
    expect(await points('troupe.connection.opened')).toEqual([{ attributes: of, value: 2 }]);
    expect(await points('troupe.connection.duration')).toEqual([
      { attributes: { ...of, 'troupe.close.code': '1000' }, value: 1, sum: expect.any(Number) },
    ]);
    const series = (kind: string, direction: string) => ({
      ...of,
      'troupe.message.kind': kind,
      'network.io.direction': direction,
    });
    expect(await points('troupe.message.count')).toEqual([
      { attributes: series('text', 'receive'), value: 2 },
      { attributes: series('text', 'transmit'), value: 2 },
      { attributes: series('binary', 'receive'), value: 2 },
      { attributes: series('binary', 'transmit'), value: 2 },
    ]);
    const io = await points('troupe.message.io');
    expect(io.map(({ value }) => value)).toEqual([6, 6, 200, 200]);
    const handlers = await points('troupe.handler.duration');
    expect(handlers).toEqual([
      {
        attributes: { ...of, 'troupe.event': 'ws.text', 'troupe.handler.outcome': 'settled' },
        value: 2,
        sum: expect.any(Number),
      },
      {
        attributes: { ...of, 'troupe.event': 'ws.binary', 'troupe.handler.outcome': 'settled' },
        value: 2,
        sum: expect.any(Number),
      },
    ]);
    expect(await points('http.server.request.duration')).toEqual([
      {
        attributes: {
          'http.request.method': 'GET',
          'http.response.status_code': 101,
          'http.route': path,
          'url.scheme': 'http',
          'network.protocol.version': '1.1',
        },
        value: 2,
        sum: expect.any(Number),
      },
    ]);
  });
});

describe('what goes wrong', () => {
  it('is counted: refused upgrades by their status', async () => {
    const server = await serve([echo('handlers', at(path))]);
    const { points } = measure(server);
    await refused(server.url(path), { origin: 'http://evil.example' });
    await refused(server.url('/nothing/of/the/kind'));
    await refused(server.url('/nothing/else'));
    const seen = (await points('http.server.request.duration')).map(({ attributes, value }) => [
      attributes['http.response.status_code'],
      attributes['http.route'],
      value,
    ]);
    expect(seen).toEqual([
      [403, path, 1],
      [404, undefined, 2],
    ]);
  });

  it('is counted when it is in what connections share, and what was sent in vain', async () => {
    const shared = fromTransition((_count: number, event: { type: 'fail' | 'end' }) => {
      throw new Error(event.type);
    }, 0);
    const server = await serve([defineService({ ...at(path), shared, onOpen: () => undefined })]);
    const { points } = measure(server);
    watch(server.troupe, 'shared.crashed');
    const state = server.troupe.shared<typeof shared>(path);
    state.send({ type: 'fail' });
    await server.troupe.detachService(path);
    state.send({ type: 'end' });
    expect(await points('troupe.shared.crashes')).toEqual([{ attributes: of, value: 1 }]);
    expect(await points('troupe.shared.dead_letters')).toEqual([{ attributes: of, value: 1 }]);
  });

  it('is counted: crashes by what failed, and the code that they close with', async () => {
    const service = defineService({
      ...at(path),
      onTextMessage() {
        throw new Error('broken');
      },
    });
    const server = await serve([service]);
    const { points } = measure(server);
    watch(server.troupe, 'connection.crashed');
    const closed = watch(server.troupe, 'connection.closed');
    const client = await connect(server.url(path));
    client.send('x');
    await closed.next();
    expect(await points('troupe.connection.crashes')).toEqual([
      { attributes: { ...of, 'troupe.event': 'ws.text' }, value: 1 },
    ]);
    expect(await points('troupe.handler.duration')).toMatchObject([
      { attributes: { 'troupe.event': 'ws.text', 'troupe.handler.outcome': 'failed' }, value: 1 },
    ]);
    expect(await points('troupe.connection.duration')).toMatchObject([{ attributes: { 'troupe.close.code': '1011' } }]);
  });

  it('is counted: restarts by where they begin, services by the state that they come to', async () => {
    const clock = new SimulatedClock();
    const supervision = {
      onCrash: 'restart',
      restartFrom: 'start',
      restartLimit: { restarts: 1, withinMs: 600_000 },
      backoff: { minMs: 100 },
      intensity: { crashes: 2, withinMs: 1_000 },
      recovery: { minMs: 1_000, jitter: 0 },
    } as const;
    const server = await serve([fragile('handlers', at(path), { supervision }).service], { clock });
    const { points } = measure(server);
    watch(server.troupe, 'connection.crashed');
    const recovered = watch(server.troupe, 'service.recovered');
    const client = await connect(server.url(path));
    client.send('fail');
    client.send('fail');
    expect((await advanceUntil(clock, client.closed, { stepMs: 100 })).code).toBe(1011);
    await advanceUntil(clock, recovered.next());

    expect(await points('troupe.connection.restarts')).toEqual([
      { attributes: { ...of, 'troupe.restart.from': 'start' }, value: 1 },
    ]);
    expect(await points('troupe.connection.crashes')).toMatchObject([{ value: 2 }]);
    expect(await points('troupe.service.transitions')).toEqual(
      ['failed', 'recovering', 'running'].map((state) => ({
        attributes: { ...of, 'troupe.service.state': state },
        value: 1,
      })),
    );
  });

  it('is counted: dead letters by their reason', async () => {
    const server = await serve([echo('handlers', at(path))]);
    const { points } = measure(server);
    server.troupe.pushTextToConnection('nobody', 'x');
    server.troupe.pushTextToConnection('nobody else', 'x');
    expect(await points('troupe.dead_letters')).toEqual([
      {
        attributes: { 'troupe.function': 'pushTextToConnection', 'troupe.delivery.status': 'unknown' },
        value: 2,
      },
    ]);
  });

  it('is counted: congestion, and violations of the protocol', async () => {
    const capture = createGate<Connection>();
    const service = defineService({
      ...at(path),
      limits: { highWaterMarkBytes: 65_536, maxPayload: 10 },
      onOpen: (connection: Connection) => capture.open(connection),
      onTextMessage: () => undefined,
    });
    const server = await serve([service]);
    const { points } = measure(server);
    const congested = watch(server.troupe, 'connection.congested');
    const violated = watch(server.troupe, 'connection.violated');
    const client = await connect(server.url(path));
    const connection = await capture.opened;
    client.socket.pause();
    for (let sent = 0; connection.outbound === 'flowing' && sent < 100; sent += 1) {
      connection.pushBinary(new Uint8Array(1_000_000));
      await new Promise(setImmediate);
    }
    expect((await congested.next()).connection).toMatchObject({ id: connection.id, outbound: 'congested' });
    expect(await points('troupe.connection.congested')).toEqual([{ attributes: of, value: 1 }]);

    client.socket.resume();
    client.send('more than ten bytes');
    await violated.next();
    expect(await points('troupe.connection.violations')).toEqual([
      { attributes: { ...of, 'troupe.close.code': '1009' }, value: 1 },
    ]);
  });
});

describe('a chart', () => {
  const machine = serviceSetup().createMachine({
    id: 'door',
    initial: 'shut',
    states: { shut: { on: { 'ws.text': 'ajar' } }, ajar: { on: { 'ws.text': 'shut' } } },
  });

  async function pass(server: Server) {
    const steps = watch(server.troupe, 'machine.transitioned');
    const closed = watch(server.troupe, 'connection.closed');
    const client = await connect(server.url(path));
    for (let sent = 0; sent < 3; sent += 1) client.send('x');
    for (let taken = 0; taken < 4; taken += 1) await steps.next();
    await client.close(1000);
    await closed.next();
  }

  it('of a machine is counted by its edges, and its states are timed, the last one included', async () => {
    const server = await serve([defineService({ ...at(path), machine })]);
    const { points } = measure(server);
    await pass(server);
    const chart = { ...of, 'troupe.chart': 'door' };
    const edge = (source: string, target: string) => ({
      ...chart,
      'troupe.edge.source': source,
      'troupe.edge.target': target,
      'troupe.edge.event': 'ws.text',
    });
    expect(await points('troupe.chart.transitions')).toEqual([
      { attributes: edge('door.shut', 'door.ajar'), value: 2 },
      { attributes: edge('door.ajar', 'door.shut'), value: 1 },
    ]);
    const states = await points('troupe.chart.state.duration');
    expect(states.map(({ attributes, value }) => [attributes, value])).toEqual([
      [{ ...chart, 'troupe.state': 'door.shut' }, 2],
      [{ ...chart, 'troupe.state': 'door.ajar' }, 2],
    ]);
    for (const { sum } of states) expect(sum).toBeGreaterThan(0);
  });

  it('of the connection itself is, when it is asked for', async () => {
    const server = await serve([defineService({ ...at(path), machine })]);
    const { points } = measure(server, { charts: 'all' });
    await pass(server);
    const states = await points('troupe.chart.state.duration');
    expect(new Set(states.map(({ attributes }) => attributes['troupe.chart']))).toEqual(
      new Set(['connection', 'door']),
    );
    // Left once, at the end, however often the states beside it changed.
    const flowing = states.filter(({ attributes }) => attributes['troupe.state'] === `${connected}.outbound.flowing`);
    expect(flowing.map(({ value }) => value)).toEqual([1]);
    expect(await points('troupe.chart.transitions')).toContainEqual({
      attributes: {
        ...of,
        'troupe.chart': 'connection',
        'troupe.edge.source': `${connected}.lifecycle.open.ready`,
        'troupe.edge.target': `${connected}.lifecycle.message.handling`,
        'troupe.edge.event': 'ws.*',
      },
      value: 3,
    });
  });

  it('is nothing to it, when that is asked for', async () => {
    const server = await serve([defineService({ ...at(path), machine })]);
    const { points } = measure(server, { charts: 'none' });
    await pass(server);
    expect(await points('troupe.chart.transitions')).toEqual([]);
  });
});

describe('what strangers choose', () => {
  it('makes no series: close codes are told apart only if they are registered or named', async () => {
    const server = await serve([echo('handlers', at(path))]);
    const { points } = measure(server, { closeCodes: [4001] });
    const closed = watch(server.troupe, 'connection.closed');
    for (const code of [1000, 4001, 4002, 4003, 3001, 3999]) {
      const client = await connect(server.url(path));
      await client.close(code);
      await closed.next();
    }
    const seen = (await points('troupe.connection.duration')).map(({ attributes, value }) => [
      attributes['troupe.close.code'],
      value,
    ]);
    expect(seen).toEqual([
      ['1000', 1],
      ['4001', 1],
      ['4xxx', 2],
      ['3xxx', 2],
    ]);
  });

  it('makes no series: neither paths nor parameters are attributes', async () => {
    const server = await serve([echo('handlers', { basePath: '/room', webSocketUpgradePath: '/{name}' })]);
    const { points } = measure(server);
    await connect(server.url('/room/a?x=1'));
    await connect(server.url('/room/b'));
    const seen = await points('http.server.request.duration');
    expect(seen.map(({ attributes, value }) => [attributes['http.route'], value])).toEqual([['/room/{name}', 2]]);
    expect(await points('troupe.connection.opened')).toHaveLength(1);
  });
});

describe('the instruments', () => {
  it('are those of the table, with unit and description, and every attribute is one of theirs', async () => {
    const server = await serve([echo('machine', at(path))]);
    const { collect } = measure(server, { charts: 'all' });
    const closed = watch(server.troupe, 'connection.closed');
    const client = await connect(server.url(path));
    client.send('x');
    await client.next();
    server.troupe.pushTextToConnection('nobody', 'x');
    await client.close(1000);
    await closed.next();
    const collected = await collect();
    expect(collected.length).toBeGreaterThan(7);
    for (const { descriptor, dataPoints } of collected) {
      const definition = definitions[descriptor.name as keyof typeof definitions];
      expect(descriptor).toMatchObject({ unit: definition.unit, description: definition.description });
      for (const { attributes } of dataPoints) {
        expect(definition.attributes).toEqual(expect.arrayContaining(Object.keys(attributes)));
      }
    }
  });
});

describe('instrumenting', () => {
  it('takes the global provider when it is given none', async () => {
    const { meterProvider, points } = sdk();
    globalMetrics.setGlobalMeterProvider(meterProvider);
    onTestFinished(() => globalMetrics.disable());
    const server = await serve([echo('handlers', at(path))]);
    onTestFinished(instrument(server.troupe));
    await connect(server.url(path));
    expect(await points('troupe.active_connections')).toEqual([{ attributes: of, value: 1 }]);
  });

  it('counts connections that were there before as active', async () => {
    const server = await serve([echo('handlers', at(path))]);
    await connect(server.url(path));
    const { points } = measure(server);
    expect(await points('troupe.active_connections')).toEqual([{ attributes: of, value: 1 }]);
    expect(await points('troupe.connection.opened')).toEqual([]);
  });

  it('ends with the function that it returns', async () => {
    const server = await serve([echo('handlers', at(path))]);
    const { meterProvider, points } = sdk();
    const stop = instrument(server.troupe, { meterProvider, tracerProvider: false });
    await connect(server.url(path));
    stop();
    stop();
    await connect(server.url(path));
    expect(await points('troupe.active_connections')).toEqual([]);
    expect(await points('troupe.connection.opened')).toEqual([{ attributes: of, value: 1 }]);
    instrument(server.troupe, { meterProvider, tracerProvider: false })();
  });

  it('is refused while it is done already, and for what is no Troupe', async () => {
    const { troupe } = await serve([echo('handlers', at(path))]);
    const stop = instrument(troupe);
    expect(() => instrument(troupe)).toThrow(expect.objectContaining({ code: 'TROUPE_ALREADY_INSTRUMENTED' }));
    stop();
    for (const wrong of [{}, null, undefined, 'troupe']) {
      expect(() => instrument(wrong as never)).toThrow(TypeError);
    }
    const options = [
      { charts: 'some' },
      { handlerSpans: 'some' },
      { closeCodes: [1000] },
      { closeCodes: 4000 },
      { x: 1 },
    ];
    for (const wrong of options) {
      expect(() => instrument(troupe, wrong as never)).toThrow(
        expect.objectContaining({ code: 'TROUPE_ARGUMENT_INVALID' }),
      );
    }
    instrument(troupe)();
  });

  it('leaves a crash that nobody else listens for a warning of the process', async () => {
    const warned = createGate<Error>();
    const others = process.listeners('warning');
    process.removeAllListeners('warning');
    process.once('warning', (warning) => warned.open(warning));
    onTestFinished(() => {
      for (const other of others) process.on('warning', other);
    });
    const service = defineService({
      ...at(path),
      onTextMessage() {
        throw new Error('broken');
      },
    });
    const server = await serve([service]);
    measure(server);
    const client = await connect(server.url(path));
    client.send('x');
    expect((await warned.opened).message).toContain('broken');
  });

  it('harms no connection when a provider is broken, and says so', async () => {
    const server = await serve([echo('handlers', at(path))]);
    const failures = watch(server.troupe, 'callback.failed');
    const broken = sdk().meterProvider;
    const meter = broken.getMeter('x');
    meter.createCounter = () => ({
      add() {
        throw new Error('no room');
      },
    });
    onTestFinished(instrument(server.troupe, { meterProvider: { getMeter: () => meter }, tracerProvider: false }));
    const client = await connect(server.url(path));
    client.send('x');
    expect(await client.next()).toBe('x');
    expect(await failures.next()).toEqual({ callback: 'troupe/otel', error: new Error('no room') });
  });
});
