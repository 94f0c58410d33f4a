import { describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import {
  BasePath,
  defineService,
  OnIdle,
  OnTextMessage,
  ServiceConfig,
  serviceSetup,
  WebSocketUpgradePath,
  type Connection,
} from 'troupe';
import { connect, type Client } from '../support/client.ts';
import { at, forms, type Form } from '../support/forms.ts';
import { Inbox } from '../support/inbox.ts';
import { advance, advanceUntil, serve, watch, type Server } from '../support/server.ts';

const path = '/test/websocket';
const limits = { idleTimeoutMs: 5_000, heartbeatIntervalMs: 0 };

/** Says `idle` to the peer and, when told before, closes. */
function drowsy(form: Form, closing = false) {
  switch (form) {
    case 'handlers':
      return defineService({
        ...at(path),
        limits,
        onTextMessage(connection: Connection, text: string) {
          connection.pushText(text);
        },
        onIdle(connection: Connection) {
          connection.pushText('idle');
          if (closing) connection.closeConnection(4000, 'idle');
        },
      });
    case 'machine':
      return defineService({
        ...at(path),
        limits,
        machine: serviceSetup().createMachine({
          on: {
            'ws.text': {
              actions: {
                type: 'pushText',
                params: ({ event }) => ({ text: event.type === 'ws.text' ? event.text : '' }),
              },
            },
            'ws.idle': {
              actions: [
                { type: 'pushText', params: { text: 'idle' } },
                ...(closing ? [{ type: 'closeConnection', params: { code: 4000, reason: 'idle' } } as const] : []),
              ],
            },
          },
        }),
      });
    case 'class': {
      const { basePath, webSocketUpgradePath } = at(path);
      @BasePath(basePath)
      @WebSocketUpgradePath(webSocketUpgradePath)
      @ServiceConfig({ limits })
      class Drowsy {
        @OnTextMessage()
        said(connection: Connection, text: string) {
          connection.pushText(text);
        }
        @OnIdle()
        idle(connection: Connection) {
          connection.pushText('idle');
          if (closing) connection.closeConnection(4000, 'idle');
        }
      }
      return Drowsy;
    }
  }
}

async function start(form: Form, closing = false): Promise<{ clock: SimulatedClock; server: Server; client: Client }> {
  const clock = new SimulatedClock();
  const server = await serve([drowsy(form, closing)], { clock });
  const client = await connect(server.url(path));
  client.send('hello');
  expect(await client.next()).toBe('hello');
  return { clock, server, client };
}

describe.each(forms)('an idle connection of %s', (form) => {
  it('is told after the time-out, not before, and is not closed', async () => {
    const { clock, client } = await start(form);
    await advance(clock, 4_500, 250);
    await client.ping();
    expect(client.messages.unread).toEqual([]);

    expect(await advanceUntil(clock, client.next(), { limitMs: 6_500, stepMs: 250 })).toBe('idle');

    client.send('still open');
    expect(await client.next()).toBe('still open');
  });

  it('is seen: its chart changes for the event that tells its service', async () => {
    const { clock, server, client } = await start(form);
    const changed = watch(server.troupe, 'connection.changed');

    expect(await advanceUntil(clock, client.next(), { limitMs: 12_000, stepMs: 250 })).toBe('idle');

    expect(await changed.until(({ event }) => event === 'ws.idle')).toMatchObject({ service: path, state: 'message' });
  });

  it('is idle as well when only its service speaks', async () => {
    const { clock, server, client } = await start(form);
    for (let second = 0; second < 4; second += 1) {
      await advance(clock, 1_000, 250);
      server.troupe.broadcastText(path, `news ${second}`);
    }
    expect((await client.take(4)).at(-1)).toBe('news 3');

    expect(await advanceUntil(clock, client.next(), { limitMs: 2_500, stepMs: 250 })).toBe('idle');
  });

  it('is not idle while it says something', async () => {
    const { clock, client } = await start(form);
    for (let round = 0; round < 5; round += 1) {
      await advance(clock, 3_000, 250);
      client.send(`${round}`);
      expect(await client.next()).toBe(`${round}`);
    }
  });

  it('may be closed by its service', async () => {
    const { clock, client } = await start(form, true);

    expect(await advanceUntil(clock, client.closed, { limitMs: 12_000, stepMs: 250 })).toEqual({
      code: 4000,
      reason: 'idle',
    });
    expect(await client.untilClosed()).toEqual(['idle']);
  });
});

describe('idleness', () => {
  it('is off by default', async () => {
    const clock = new SimulatedClock();
    const idle = new Inbox<string>();
    const service = defineService({
      ...at(path),
      limits: { heartbeatIntervalMs: 0 },
      onIdle(connection: Connection) {
        idle.push(connection.id);
      },
    });
    const server = await serve([service], { clock });
    const client = await connect(server.url(path));
    await client.ping();

    await advance(clock, 3_600_000, 60_000);
    await client.ping();

    expect(idle.all).toEqual([]);
  });

  it('comes again after another silence', async () => {
    const { clock, client } = await start('handlers');
    expect(await advanceUntil(clock, client.next(), { limitMs: 12_000, stepMs: 250 })).toBe('idle');
    client.send('awake');
    expect(await client.next()).toBe('awake');

    expect(await advanceUntil(clock, client.next(), { limitMs: 12_000, stepMs: 250 })).toBe('idle');
  });

  it('that no handler knows leaves the connection open', async () => {
    const clock = new SimulatedClock();
    const service = defineService({
      ...at(path),
      limits,
      onTextMessage(connection: Connection, text: string) {
        connection.pushText(text);
      },
    });
    const server = await serve([service], { clock });
    const client = await connect(server.url(path));
    await advance(clock, 30_000, 500);

    client.send('open');

    expect(await client.next()).toBe('open');
  });
});
