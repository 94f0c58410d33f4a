import { describe, expect, it, onTestFinished } from 'vitest';
import { assign, fromPromise, raise, setup, type AnyActorLogic } from 'xstate';
import { defineService, type Connection, type WsEvent } from 'troupe';
import { connect } from '../support/client.ts';
import { turn } from '../support/inbox.ts';
import { watch } from '../support/server.ts';
import { serveInspected, type TestViewer } from './support.ts';

const FRAME_BYTES = 65_536;

/** A service whose machine keeps in its context whatever `make` makes when a message comes. */
function keeping(make: () => unknown) {
  return defineService({
    basePath: '/keeping',
    machine: setup({
      types: {} as { context: { kept: unknown }; events: WsEvent },
      actions: { keep: assign({ kept: make }) },
    }).createMachine({
      id: 'keeping',
      context: { kept: 'nothing' },
      initial: 'ready',
      states: { ready: { on: { 'ws.text': { actions: 'keep' } } } },
    }),
  });
}

/** The sessionId of the machine of the only connection. */
async function watchMachine(viewer: TestViewer): Promise<string> {
  const { items } = await viewer.get('troupe.list', { type: 'list', of: 'connections' });
  const { id } = items[0] as { id: string };
  const { connection } = await viewer.get('troupe.connection', { type: 'connection', of: id });
  const { sessionId } = connection.actors.find(({ role }) => role === 'service')!;
  await viewer.ask({ type: 'watch', actors: [sessionId] });
  return sessionId;
}

const cyclic: Record<string, unknown> = { name: 'self' };
cyclic['self'] = cyclic;

const hostile: readonly (readonly [what: string, make: () => unknown, shown: unknown])[] = [
  ['that refers to itself', () => cyclic, { name: 'self', self: '[cyclic]' }],
  [
    'whose getters throw',
    () => ({
      get broken(): never {
        throw new Error('no');
      },
    }),
    { broken: '[threw when read]' },
  ],
  [
    'whose toJSON throws',
    () => ({
      toJSON() {
        throw new Error('no');
      },
    }),
    '[unreadable]',
  ],
  [
    'of numbers that JSON does not know',
    () => [1n, NaN, Symbol('s'), () => 1],
    ['1n', '[NaN]', 'Symbol(s)', '[function]'],
  ],
  [
    'with a revoked proxy',
    () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return [proxy];
    },
    ['[unreadable]'],
  ],
  ['of bytes', () => new Uint8Array(5_000_000), expect.stringMatching(/^\[5000000 bytes: (00){32}…\]$/)],
  ['of markup', () => '<script>alert(1)</script>', '<script>alert(1)</script>'],
  ['as long as a book', () => 'x'.repeat(5_000_000), expect.stringMatching(/^x{2000}… \[4998000 more characters\]$/)],
  ['of control characters', () => Array.from({ length: 100 }, () => '\u0000'.repeat(2000)), expect.anything()],
];

describe('a context', () => {
  it.each(hostile)('%s harms neither the machine nor its viewers', async (_what, make, shown) => {
    const server = await serveInspected([keeping(make)], { redact: false });
    const crashes = watch(server.troupe, 'connection.crashed');
    const failures = watch(server.troupe, 'callback.failed');
    const [viewer, plain] = [await server.view(), await server.viewPlainly()];
    const client = await connect(server.url('/keeping'));
    const sessionId = await watchMachine(viewer);
    for (const each of [viewer, plain]) {
      client.send('keep');
      const { snapshot } = await each.until(
        '@xstate.snapshot',
        (frame) => frame.sessionId === sessionId && frame.event.type === 'ws.text',
      );
      if (snapshot.context !== '[too large to be shown]') expect(snapshot.context).toEqual({ kept: shown });
      for (const frame of each.all) expect(Buffer.byteLength(JSON.stringify(frame))).toBeLessThanOrEqual(FRAME_BYTES);
    }
    expect([...crashes.all, ...failures.all]).toEqual([]);
  });

  it('is told without its values when only odd characters make it too large', async () => {
    const make = (): unknown => Array.from({ length: 16 }, () => '\u0000'.repeat(2000));
    const server = await serveInspected([keeping(make)], { redact: false });
    const viewer = await server.view();
    const client = await connect(server.url('/keeping'));
    await watchMachine(viewer);
    client.send('keep');
    const { snapshot } = await viewer.until('@xstate.snapshot');
    expect(snapshot).toEqual({ status: 'active', value: 'ready', context: '[too large to be shown]' });
  });
});

const reject = (): Promise<never> => Promise.reject(new Error('nobody waits for it'));

describe('what rejects while it is looked at', () => {
  it.each<readonly [what: string, make: () => unknown, redact: false | (() => unknown), shown: unknown]>([
    ['redact', () => 1, reject, '[promise]'],
    ['toJSON', () => ({ toJSON: reject }), false, { kept: '[promise]' }],
    [
      'a getter',
      () => ({
        get value() {
          return reject();
        },
      }),
      false,
      { kept: { value: '[promise]' } },
    ],
    ['toJSON as a getter', () => Object.defineProperty({}, 'toJSON', { get: reject }), false, { kept: {} }],
    [
      'the name of a function',
      () => Object.defineProperty(() => {}, 'name', { get: reject }),
      false,
      { kept: '[function [promise]]' },
    ],
    [
      'the message of an error',
      () => Object.defineProperty(new Error('no'), 'message', { get: reject }),
      false,
      { kept: expect.objectContaining({ message: '[promise]' }) },
    ],
    [
      'its stack',
      () => Object.defineProperty(new Error('no'), 'stack', { get: reject }),
      false,
      { kept: { name: 'Error', message: 'no', stack: '[promise]' } },
    ],
  ])('does not end the process: %s', async (_what, make, redact, context) => {
    const rejections: unknown[] = [];
    const note = (reason: unknown): void => void rejections.push(reason);
    process.on('unhandledRejection', note);
    onTestFinished(() => void process.off('unhandledRejection', note));
    const server = await serveInspected([keeping(make)], { redact });
    const viewer = await server.view();
    const client = await connect(server.url('/keeping'));
    await watchMachine(viewer);
    client.send('keep');
    expect(await viewer.until('@xstate.snapshot')).toMatchObject({ snapshot: { context } });
    await turn();
    expect(rejections).toEqual([]);
  });
});

describe('a function that redacts', () => {
  it('may throw: then nothing is shown', async () => {
    const redact = (): never => {
      throw new Error('no');
    };
    const server = await serveInspected([keeping(() => 'secret')], { redact });
    const viewer = await server.view();
    const client = await connect(server.url('/keeping'));
    await watchMachine(viewer);
    client.send('secret');
    const { snapshot, event } = await viewer.until('@xstate.snapshot');
    expect(snapshot).toMatchObject({ value: 'ready', context: '[redacted]' });
    expect(event).toEqual({ type: 'ws.text' });
    expect(JSON.stringify(viewer.all)).not.toContain('secret');
  });
});

describe('what viewers see by default', () => {
  it('holds neither messages nor the context of machines', async () => {
    const server = await serveInspected([keeping(() => ({ card: '4111-secret' }))]);
    const [viewer, plain] = [await server.view(), await server.viewPlainly()];
    const client = await connect(server.url('/keeping'));
    const sessionId = await watchMachine(viewer);
    client.send('my secret');
    for (const each of [viewer, plain]) {
      await each.until('@xstate.snapshot', (frame) => frame.sessionId === sessionId && frame.event.type === 'ws.text');
      expect(JSON.stringify(each.all)).not.toContain('secret');
      expect(JSON.stringify(each.all)).toContain('[redacted 9 characters]');
    }
  });
});

describe('what viewers see by default of a machine that fails', () => {
  // Thrown and rejected values were shown whole, and so was what a configuration holds.
  it('holds neither what it throws nor what its configuration, its events or its actors hold', async () => {
    const thrown: unknown = { card: 'secret-thrown' };
    const odd = {
      getInitialSnapshot: () => ({ status: 'active', value: 'secret-value', tags: new Set(['secret-tag']) }),
    };
    const machine = setup({
      types: {} as { context: { key: string }; events: WsEvent | { type: 'ws.login'; id: string; error: unknown } },
      actors: {
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- anything may be thrown
        rejecting: fromPromise(() => Promise.reject(thrown)),
        odd: { ...odd, transition: (snapshot: unknown) => snapshot } as unknown as AnyActorLogic,
      },
      actions: {
        log: (_, _params: { text: string }) => {},
        fail() {
          throw thrown;
        },
      },
    }).createMachine({
      id: 'failing',
      context: { key: 'secret-context' },
      invoke: [
        { src: 'rejecting', input: { card: 'secret-input' }, onError: {} },
        { src: 'odd', id: 'odd' },
      ],
      on: {
        'ws.text': { actions: raise({ type: 'ws.login', id: 'secret-id', error: { card: 'secret-error' } }) },
        'ws.*': { actions: { type: 'log', params: { text: 'secret-params' } } },
        'ws.close': { actions: 'fail' },
        'ws.binary': { actions: 'fail' },
      },
    });
    const server = await serveInspected([defineService({ basePath: '/failing', machine })]);
    server.troupe.on('connection.crashed', () => {});
    const [viewer, plain] = [await server.view(), await server.viewPlainly()];
    const client = await connect(server.url('/failing'));
    const sessionId = await watchMachine(viewer);
    client.send('go');
    client.send(new Uint8Array(1));
    await viewer.until('troupe.crash');
    await plain.until('@xstate.event', ({ event }) => event.type === 'handler.failed');
    const types = viewer.all.flatMap((frame) =>
      'event' in frame && frame.sessionId === sessionId ? frame.event.type : [],
    );
    expect(types).toContain('ws.login');
    for (const { all } of [viewer, plain]) expect(JSON.stringify(all)).not.toContain('secret');
  });
});

describe('a crash deep within a chart', () => {
  // What lay deeper than six levels was left out, and could not be found in the chart.
  it('is told of with the whole state', async () => {
    const fail = (): never => {
      throw new Error('it broke');
    };
    let config: object = { on: { 'ws.text': { actions: fail } } };
    let state: unknown = 'level0';
    for (let level = 0; level < 12; level++) {
      config = { initial: `level${level}`, states: { [`level${level}`]: config } };
      if (level > 0) state = { [`level${level}`]: state };
    }
    const server = await serveInspected([
      defineService({ basePath: '/deep', machine: setup({}).createMachine(config) }),
    ]);
    server.troupe.on('connection.crashed', () => {});
    const viewer = await server.view();
    await viewer.until('troupe.overview');
    (await connect(server.url('/deep'))).send('break');
    expect((await viewer.until('troupe.crash')).state.machine).toEqual(state);
  });
});

describe('a viewer', () => {
  const echo = () =>
    defineService({
      basePath: '/echo',
      onTextMessage: (connection: Connection, text: string) => connection.pushText(text),
    });

  it('that sends nonsense is told so, and harms nobody', async () => {
    const server = await serveInspected([echo()]);
    const viewer = await server.view();
    for (const nonsense of ['', '{', 'null', '[]', '1', '{"type":"list"}', '{"request":1,"type":"__proto__"}']) {
      viewer.client.send(nonsense);
      expect(await viewer.until('troupe.error')).toMatchObject({ code: 'malformed' });
    }
    expect(await viewer.ask({ type: 'list', of: 'groups' })).toMatchObject({ items: [] });
  });

  it('that sends bytes is closed with 1003, and one that sends too much with 1009', async () => {
    const server = await serveInspected([echo()]);
    const [bytes, much] = [await server.view(), await server.view()];
    bytes.client.send(new Uint8Array(1));
    expect(await bytes.client.closed).toMatchObject({ code: 1003 });
    much.client.send('x'.repeat(70_000));
    expect(await much.client.closed).toMatchObject({ code: 1009 });
  });

  it('that asks faster than it can be answered is told that it is busy', async () => {
    const server = await serveInspected([echo()]);
    const viewer = await server.view();
    await viewer.until('troupe.overview');
    for (let request = 1; request <= 100; request++) {
      viewer.client.send(JSON.stringify({ type: 'connection', request, of: 'none' }));
    }
    expect(await viewer.until('troupe.error', ({ code }) => code === 'busy')).toMatchObject({ type: 'troupe.error' });
  });

  it('that goes in the middle of an answer is forgotten', async () => {
    const server = await serveInspected([echo()]);
    const viewer = await server.view();
    const other = await server.view();
    await other.until('troupe.overview', ({ viewers }) => viewers === 2);
    viewer.client.send(JSON.stringify({ type: 'list', request: 1, of: 'connections' }));
    await viewer.client.terminate();
    await other.until('troupe.overview', ({ viewers }) => viewers === 1);
  });
});
