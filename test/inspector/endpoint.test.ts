import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import { Endpoint } from '../../src/inspector/endpoint.ts';
import type { Hub, Seat } from '../../src/inspector/hub.ts';
import type { ViewerLink } from '../../src/inspector/viewer.ts';
import type { Socket, SocketListener } from '../../src/transport/contract.ts';
import { turn } from '../support/inbox.ts';

/** An endpoint with one viewer, whose socket notes what is done to it. */
function createEndpoint(greet: () => void = () => {}) {
  const clock = new SimulatedClock();
  const done: string[] = [];
  let link: ViewerLink | undefined;
  let listener: SocketListener | undefined;
  const seat: Seat = { said: (text) => void done.push(`said ${text}`), left: () => void done.push('left') };
  const hub = {
    isFull: false,
    welcome(welcomed: ViewerLink) {
      link = welcomed;
      greet();
      return seat;
    },
    stop() {},
  } as unknown as Hub;
  const socket: Socket = {
    bufferedBytes: 0,
    bytesReceived: 0,
    write: (bytes) => void done.push(`write ${Buffer.from(bytes).toString()}`),
    ping: () => void done.push('ping'),
    close: (code) => void done.push(`close ${code}`),
    destroy() {
      done.push('destroy');
      listener?.onClosed();
    },
    pause: () => void done.push('pause'),
    resume: () => void done.push('resume'),
  };
  const endpoint = new Endpoint({
    hub,
    clock,
    admission: { path: '/look', token: 'a-token-of-enough-characters', loopback: true, allowedOrigins: [] },
    accept: (_upgrade, onAccepted) => {
      listener = onAccepted(socket);
    },
    pathOf: (url) => url,
    frame: (text) => Buffer.from(text),
    failed: (error) => void done.push(`failed ${String(error)}`),
  });
  endpoint.target.accept({ subprotocol: undefined } as never);
  return { endpoint, clock, done, link: link!, listener: listener! };
}

const fromHere = {
  socket: { remoteAddress: '127.0.0.1' },
  headers: { host: 'localhost' },
  url: '/look/ws',
} as unknown as IncomingMessage;

describe('the socket of a viewer', () => {
  it('writes what is sent in one turn as one piece, and before a close', async () => {
    const { link, done } = createEndpoint();
    link.send('a');
    link.send('b');
    expect(link.bufferedBytes).toBe(2);
    await turn();
    expect(done).toEqual(['write ab']);
    link.send('c');
    link.close(1001, '');
    await turn();
    expect(done).toEqual(['write ab', 'write c', 'close 1001']);
  });

  it('is pinged in its silence, and ended when it stays silent', () => {
    const { clock, done } = createEndpoint();
    clock.increment(30_000);
    expect(done).toEqual(['ping']);
    clock.increment(30_000);
    expect(done).toEqual(['ping', 'destroy', 'left']);
    clock.increment(90_000);
    expect(done).toHaveLength(3);
  });

  it('stays while it answers', () => {
    const { clock, done, listener } = createEndpoint();
    for (let minute = 0; minute < 5; minute++) {
      clock.increment(30_000);
      if (minute % 2 === 0) listener.onSignOfLife();
      else listener.onRead();
    }
    expect(done).toEqual(Array.from({ length: 5 }, () => 'ping'));
  });
});

describe('a viewer that says very much', () => {
  it.each([
    ['many requests', 200, '?'],
    ['large ones', 4, 'x'.repeat(65_000)],
  ])('is not read before the second is over: %s', (_what, allowed, text) => {
    const { clock, done, listener } = createEndpoint();
    for (let count = 0; count < allowed; count++) listener.onText(text);
    expect(done).toEqual(Array.from({ length: allowed }, () => `said ${text}`));
    listener.onText(text);
    expect(done.slice(allowed)).toEqual(['pause']);
    clock.increment(1000);
    expect(done.slice(allowed)).toEqual(['pause', `said ${text}`, 'resume']);
    listener.onText('now');
    expect(done.at(-1)).toBe('said now');
    listener.onClosed();
    clock.increment(1000);
    expect(done.at(-1)).toBe('left');
  });

  // Nine thousand small messages are read as one piece, and were all answered at once.
  it('is heard no faster for what had been read already', () => {
    const { clock, done, listener } = createEndpoint();
    for (let count = 0; count < 500; count++) listener.onText(String(count));
    expect(done).toHaveLength(201);
    clock.increment(1000);
    expect(done).toHaveLength(401);
    listener.onText('500');
    expect(done).toHaveLength(401);
    clock.increment(1000);
    const said = Array.from({ length: 501 }, (_, count) => `said ${count}`);
    expect(done).toEqual([...said.slice(0, 200), 'pause', ...said.slice(200), 'resume']);
    clock.increment(10_000);
    expect(done).toHaveLength(503);
  });

  // To find the answer to a close frame all would have been read that it had sent meanwhile: that took two seconds.
  it('is not waited for when it is sent away', () => {
    const { clock, done, link, listener } = createEndpoint();
    for (let count = 0; count < 500; count++) listener.onText('?');
    link.close(1001, '');
    expect(done.slice(200)).toEqual(['pause', 'destroy', 'left']);
    clock.increment(10_000);
    expect(done).toHaveLength(203);
  });
});

describe('a viewer whose greeting fails', () => {
  // Its end was never heard of before: closing the Troupe waited for it for ever.
  it('is closed with 1011, and nobody waits for it', async () => {
    const { endpoint, listener, done } = createEndpoint(() => {
      throw new Error('odd snapshot');
    });
    expect(done).toEqual(['failed Error: odd snapshot', 'close 1011']);
    listener.onText('ignored');
    listener.onClosed();
    await endpoint.stop(1000);
  });
});

describe('an endpoint that was stopped', () => {
  it('waits for its viewers, and accepts no more', async () => {
    const { endpoint, listener } = createEndpoint();
    expect(endpoint.target.judge!(fromHere)).toBeUndefined();
    let isStopped = false;
    const stop = async (): Promise<void> => {
      await endpoint.stop(1000);
      isStopped = true;
    };
    const stopping = stop();
    await turn();
    expect(isStopped).toBe(false);
    expect(endpoint.target.judge!(fromHere)).toMatchObject({ status: 503 });
    listener.onClosed();
    await stopping;
    expect(isStopped).toBe(true);
  });

  it('waits no longer than it may for one that does not answer', async () => {
    const { endpoint, clock, done } = createEndpoint();
    const stopping = endpoint.stop(200);
    clock.increment(199);
    expect(done).not.toContain('destroy');
    clock.increment(1);
    await stopping;
    expect(done).toEqual(['destroy', 'left']);
  });
});
