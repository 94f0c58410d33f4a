/** The spans of `troupe/otel` on real connections, with the SDK of OpenTelemetry. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { context, SpanKind, SpanStatusCode, trace, type Context } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fromPromise, setup } from 'xstate';
import { defineService, serviceSetup, type Connection, type HandshakeRequest, type WsEvent } from 'troupe';
import { instrument, type InstrumentOptions } from 'troupe/otel';
import { connect, dial, refused } from '../support/client.ts';
import { announcer, at, echo, forms } from '../support/forms.ts';
import { Inbox, turn } from '../support/inbox.ts';
import { registerContexts, sdk } from '../support/otel.ts';
import { serve, watch, type Server } from '../support/server.ts';

const path = '/test/{room}';
const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';
const headers = { traceparent: `00-${traceId}-${spanId}-01`, 'user-agent': 'a test' };

/** Instrumented with traces alone. */
function follow(server: Server, options: InstrumentOptions = {}) {
  registerContexts();
  const followed = sdk();
  const { tracerProvider } = followed;
  onTestFinished(instrument(server.troupe, { meterProvider: false, tracerProvider, ...options }));
  return followed;
}

/** One connection that says something and goes. */
async function visit(server: Server) {
  const closed = watch(server.troupe, 'connection.closed');
  const client = await connect(server.url('/test/lobby?token=secret'), { headers });
  await client.next();
  client.send('né');
  await client.next();
  await client.close(1000);
  return closed.next();
}

const parentOf = (span: ReadableSpan | undefined) => span?.parentSpanContext?.spanId;

describe.each(forms)('a service made with %s', (form) => {
  it('has a span for the upgrade in the trace of the remote side, and one for each run of a handler', async () => {
    const server = await serve([announcer(form, at(path))]);
    const followed = follow(server);
    const { connection } = await visit(server);
    const [upgrade, opening, message, closing] = followed.spans;

    expect(followed.spans.map(({ name }) => name)).toEqual([
      `GET ${path}`,
      `ws.open ${path}`,
      `ws.text ${path}`,
      `ws.close ${path}`,
    ]);
    expect(upgrade).toMatchObject({ kind: SpanKind.SERVER, status: { code: SpanStatusCode.UNSET } });
    expect(upgrade?.spanContext().traceId).toBe(traceId);
    expect(parentOf(upgrade)).toBe(spanId);
    expect(upgrade?.attributes).toEqual({
      'http.request.method': 'GET',
      'http.response.status_code': 101,
      'http.route': path,
      'url.scheme': 'http',
      'url.path': '/test/lobby',
      'network.protocol.version': '1.1',
      'network.peer.address': '127.0.0.1',
      'network.peer.port': expect.any(Number),
      'client.address': '127.0.0.1',
      'server.address': '127.0.0.1',
      'server.port': server.port,
      'user_agent.original': 'a test',
      'troupe.service': path,
      'troupe.connection.id': connection.id,
    });
    // What opens it belongs to the upgrade.
    expect([opening?.spanContext().traceId, parentOf(opening)]).toEqual([traceId, upgrade?.spanContext().spanId]);
    // What follows may go on for days: in traces of their own, that lead back.
    for (const span of [message, closing]) {
      expect(span?.spanContext().traceId).not.toBe(traceId);
      expect(parentOf(span)).toBeUndefined();
      expect(span?.links).toEqual([{ context: expect.objectContaining(upgrade?.spanContext()) }]);
    }
    expect(message?.kind).toBe(SpanKind.CONSUMER);
    expect(message?.attributes).toEqual({
      'troupe.service': path,
      'troupe.connection.id': connection.id,
      'troupe.event': 'ws.text',
      'troupe.message.size': 3,
    });
    expect([opening?.kind, closing?.kind]).toEqual([SpanKind.INTERNAL, SpanKind.INTERNAL]);
  });

  it('has them all in one trace, when that is asked for', async () => {
    const server = await serve([announcer(form, at(path))]);
    const followed = follow(server, { handlerSpans: 'child' });
    await visit(server);
    const [upgrade, ...handlers] = followed.spans;
    expect(handlers.map(parentOf)).toEqual(handlers.map(() => upgrade?.spanContext().spanId));
    expect(new Set(followed.spans.map((span) => span.spanContext().traceId))).toEqual(new Set([traceId]));
  });

  it('has none for handlers, when that is asked for', async () => {
    const server = await serve([announcer(form, at(path))]);
    const followed = follow(server, { handlerSpans: 'none' });
    await visit(server);
    expect(followed.spans.map(({ name }) => name)).toEqual([`GET ${path}`]);
  });
});

describe('user code', () => {
  it('runs within the span of its handler, what it awaits included', async () => {
    const active = new Inbox<Context>();
    const service = defineService({
      ...at(path),
      async onTextMessage(connection: Connection) {
        await new Promise(setImmediate);
        active.push(context.active());
        connection.pushText('done');
      },
    });
    const server = await serve([service]);
    const followed = follow(server);
    const settled = watch(server.troupe, 'handler.settled');
    const client = await connect(server.url('/test/lobby'), { headers });
    client.send('x');
    const within = trace.getSpanContext(await active.next());
    await settled.next();
    expect(followed.spans.find(({ name }) => name.startsWith('ws.text'))?.spanContext()).toEqual(within);
  });

  it('of an actor that a machine invokes runs within the span of the event that led to it', async () => {
    const active = new Inbox<Context>();
    const work = fromPromise(async () => {
      await new Promise(setImmediate);
      active.push(context.active());
    });
    const machine = setup({ types: {} as { events: WsEvent }, actors: { work } }).createMachine({
      id: 'worker',
      initial: 'idle',
      states: { idle: { on: { 'ws.text': 'working' } }, working: { invoke: { src: 'work' } } },
    });
    const server = await serve([defineService({ ...at(path), machine })]);
    const followed = follow(server);
    const client = await connect(server.url('/test/lobby'), { headers });
    client.send('x');
    const within = trace.getSpanContext(await active.next());
    expect(followed.spans.find(({ name }) => name.startsWith('ws.text'))?.spanContext()).toEqual(within);
  });

  it.each(['handlers', 'machine'] as const)('that fails marks its span: %s', async (form) => {
    const fail = (): never => {
      throw new RangeError('broken');
    };
    const machine = serviceSetup()
      .extend({ actions: { fail } })
      .createMachine({ on: { 'ws.text': { actions: 'fail' } } });
    const service =
      form === 'handlers'
        ? defineService({ ...at(path), onTextMessage: fail })
        : defineService({ ...at(path), machine });
    const server = await serve([service]);
    const followed = follow(server);
    watch(server.troupe, 'connection.crashed');
    const closed = watch(server.troupe, 'connection.closed');
    const client = await connect(server.url('/test/lobby'));
    client.send('x');
    await closed.next();
    const span = followed.spans.find(({ name }) => name.startsWith('ws.text'));
    expect(span).toMatchObject({ status: { code: SpanStatusCode.ERROR }, attributes: { 'error.type': 'RangeError' } });
    expect(span?.events).toMatchObject([{ name: 'exception', attributes: { 'exception.message': 'broken' } }]);
  });

  it('that throws what is no error marks its span as well', async () => {
    const service = defineService({
      ...at(path),
      onTextMessage() {
        throw Object.create(null);
      },
    });
    const server = await serve([service]);
    const followed = follow(server);
    watch(server.troupe, 'connection.crashed');
    const closed = watch(server.troupe, 'connection.closed');
    const client = await connect(server.url('/test/lobby'));
    client.send('x');
    await closed.next();
    expect(followed.spans.find(({ name }) => name.startsWith('ws.text'))).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'error.type': 'object' },
    });
  });
});

describe('an upgrade', () => {
  it('that is refused has a span without a failure of ours, and without a route if there is none', async () => {
    const server = await serve([echo('handlers', at(path))]);
    const followed = follow(server);
    await refused(server.url('/nothing'), { headers });
    await refused(server.url('/test/lobby'), { headers: { ...headers, origin: 'http://evil.example' } });
    expect(followed.spans.map(({ name, status, attributes }) => [name, status.code, attributes])).toEqual([
      ['GET', SpanStatusCode.UNSET, expect.objectContaining({ 'http.response.status_code': 404 })],
      [`GET ${path}`, SpanStatusCode.UNSET, expect.objectContaining({ 'http.response.status_code': 403 })],
    ]);
  });

  it('that is refused because the server cannot is a failure', async () => {
    const server = await serve([echo('handlers', at(path))], { limits: { maxConnections: 1 } });
    const followed = follow(server);
    await connect(server.url('/test/lobby'));
    await refused(server.url('/test/lobby'));
    expect(followed.spans.at(-1)).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'http.response.status_code': 503, 'error.type': '503' },
    });
  });

  it('that waits for authenticate has a span until it is answered, or until nobody waits for it', async () => {
    const active = new Inbox<Context>();
    const waiting = new Inbox<HandshakeRequest>();
    const service = defineService({
      ...at(path),
      async authenticate(request) {
        waiting.push(request);
        await new Promise(setImmediate);
        active.push(context.active());
        if (!request.query.has('wait')) return 'ada';
        return new Promise<string>(() => undefined);
      },
      onOpen: () => undefined,
    });
    const server = await serve([service]);
    const followed = follow(server);
    await connect(server.url('/test/lobby'), { headers });
    expect(followed.spans[0]?.spanContext()).toEqual(trace.getSpanContext(await active.next()));
    await waiting.next();

    const client = dial(server.url('/test/lobby?wait'));
    const { signal } = await waiting.next();
    const gone = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve());
    });
    client.socket.terminate();
    await gone;
    await turn();
    expect(followed.spans.find(({ attributes }) => attributes['http.response.status_code'] === 499)).toMatchObject({
      name: `GET ${path}`,
      status: { code: SpanStatusCode.UNSET },
    });
  });

  it('without a trace of the remote side begins one', async () => {
    const server = await serve([echo('handlers', at(path))]);
    const followed = follow(server);
    await connect(server.url('/test/lobby'), { headers: { traceparent: 'nonsense' } });
    expect(parentOf(followed.spans[0])).toBeUndefined();
  });

  it('of a viewer of the inspector is none of a service', async () => {
    // Whoever hears of its address is told there, and nobody on the terminal.
    const hear = (): void => undefined;
    subscribe('troupe:inspector.listening', hear);
    onTestFinished(() => void unsubscribe('troupe:inspector.listening', hear));
    const server = await serve([echo('handlers', at(path))], { inspector: true });
    const followed = follow(server);
    const { token = '' } = server.troupe.inspector ?? {};
    await connect(server.url(`/__inspector/ws?token=${token}`), { protocols: 'troupe.inspector.v1' });
    expect(followed.spans).toEqual([]);
  });

  it('is counted once the Troupe is instrumented, and handlers of earlier connections have spans that lead nowhere', async () => {
    const server = await serve([echo('handlers', at(path))]);
    const client = await connect(server.url('/test/lobby'), { headers });
    const followed = follow(server);
    client.send('x');
    await client.next();
    client.send('y');
    await client.next();
    expect(followed.spans[0]).toMatchObject({ name: `ws.text ${path}`, links: [] });
    expect(parentOf(followed.spans[0])).toBeUndefined();
  });
});
