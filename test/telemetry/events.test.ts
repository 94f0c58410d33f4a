import { describe, expect, it, onTestFinished } from 'vitest';
import { defineService, type Connection } from 'troupe';
import { Turns } from '../../src/runtime/turns.ts';
import { Events, type TroupeEvents } from '../../src/telemetry/events.ts';
import { connect } from '../support/client.ts';
import { Inbox } from '../support/inbox.ts';
import { serve } from '../support/server.ts';

type Warning = Error & { code?: string; detail?: string };

/** The process warnings of one test, in place of the standard error. */
function warnings(): Inbox<Warning> {
  const inbox = new Inbox<Warning>();
  const others = process.listeners('warning');
  const own = (warning: Warning): void => inbox.push(warning);
  process.removeAllListeners('warning');
  process.on('warning', own);
  onTestFinished(() => {
    process.off('warning', own);
    for (const other of others) process.on('warning', other);
  });
  return inbox;
}

/** Emitted after others, its warning comes after theirs: what is not before it was not warned of. */
function emitMarker(): void {
  process.emitWarning('marker');
}

const replaced: TroupeEvents['connection.replaced'] = { name: 'alice', connection: 'c2', previous: 'c1' };

function crash(error: unknown, service = '/chat'): TroupeEvents['connection.crashed'] {
  return { connection: {} as never, service, state: { connection: 'message' }, during: 'ws.text', error };
}

describe('listening', () => {
  it('hears each event of its name, in order of subscription, and no other', () => {
    const events = new Events(new Turns());
    const heard: unknown[] = [];
    events.on('connection.replaced', (event) => heard.push(['first', event]));
    events.on('connection.replaced', (event) => heard.push(['second', event]));
    events.on('service.attached', () => heard.push('another'));
    events.emit('connection.replaced', replaced);
    expect(heard).toEqual([
      ['first', replaced],
      ['second', replaced],
    ]);
  });

  it('ends with the function that it returns, which may be called twice', () => {
    const events = new Events(new Turns());
    let heard = 0;
    const listener = (): void => {
      heard += 1;
    };
    const unsubscribe = events.on('connection.replaced', listener);
    events.on('connection.replaced', listener);
    unsubscribe();
    unsubscribe();
    events.emit('connection.replaced', replaced);
    expect(heard).toBe(1);
  });

  it('stays when an old subscription is ended again after the last listener had gone', () => {
    const events = new Events(new Turns());
    const heard: string[] = [];
    const old = events.on('connection.replaced', () => heard.push('old'));
    old();
    events.on('connection.replaced', () => heard.push('new'));
    old();
    events.emit('connection.replaced', replaced);
    expect(heard).toEqual(['new']);
  });

  it('may begin and end while an event is told: that event goes to those who listened before', () => {
    const events = new Events(new Turns());
    const heard: string[] = [];
    events.on('connection.replaced', () => {
      heard.push('first');
      second();
      events.on('connection.replaced', () => heard.push('third'));
    });
    const second = events.on('connection.replaced', () => heard.push('second'));
    events.emit('connection.replaced', replaced);
    expect(heard).toEqual(['first', 'second']);
  });

  it('is a turn of its own: what a listener makes other connections do comes when it has returned', () => {
    const turns = new Turns();
    const events = new Events(turns);
    const heard: string[] = [];
    events.on('connection.replaced', () => {
      turns.after(() => heard.push('what follows'));
      heard.push('first');
    });
    events.on('connection.replaced', () => heard.push('second'));
    events.emit('connection.replaced', replaced);
    expect(heard).toEqual(['first', 'what follows', 'second']);
  });

  it('within a turn makes what follows from it wait for the end of that turn', () => {
    const turns = new Turns();
    const events = new Events(turns);
    const heard: string[] = [];
    events.on('connection.replaced', () => turns.after(() => heard.push('what follows')));
    turns.during(() => {
      events.emit('connection.replaced', replaced);
      heard.push('the rest of the handler');
    });
    expect(heard).toEqual(['the rest of the handler', 'what follows']);
  });

  it('is known beforehand, so that nobody makes an event for nobody', () => {
    const events = new Events(new Turns());
    expect(events.has('connection.replaced')).toBe(false);
    const unsubscribe = events.on('connection.replaced', () => undefined);
    expect(events.has('connection.replaced')).toBe(true);
    unsubscribe();
    expect(events.has('connection.replaced')).toBe(false);
  });

  it('is always wanted for failures, which are warned of when nobody listens', () => {
    const events = new Events(new Turns());
    expect([events.has('connection.crashed'), events.has('callback.failed')]).toEqual([true, true]);
  });
});

describe('a listener that fails', () => {
  it('harms neither the other listeners nor the one who told', () => {
    const events = new Events(new Turns());
    const heard: string[] = [];
    const failures: TroupeEvents['callback.failed'][] = [];
    events.on('callback.failed', (failure) => failures.push(failure));
    events.on('connection.replaced', () => {
      throw new Error('broken');
    });
    events.on('connection.replaced', () => heard.push('second'));
    events.emit('connection.replaced', replaced);
    expect(heard).toEqual(['second']);
    expect(failures).toEqual([{ callback: 'listener of "connection.replaced"', error: new Error('broken') }]);
  });

  it('by a rejection is reported just so, and is no unhandled one', async () => {
    const events = new Events(new Turns());
    const failures = new Inbox<TroupeEvents['callback.failed']>();
    events.on('callback.failed', (failure) => failures.push(failure));
    events.on('connection.replaced', (async () => {
      await Promise.resolve();
      throw new Error('later');
    }) as () => void);
    events.emit('connection.replaced', replaced);
    expect(await failures.next()).toEqual({ callback: 'listener of "connection.replaced"', error: new Error('later') });
  });

  it('by a thenable of another make that rejects is reported as well', async () => {
    const events = new Events(new Turns());
    const failures: unknown[] = [];
    events.on('callback.failed', ({ error }) => failures.push(error));
    events.on('connection.replaced', () => ({
      // oxlint-disable-next-line unicorn/no-thenable -- that is what is tested
      then: (_resolve: unknown, reject: (error: Error) => void) => reject(new Error('later')),
    }));
    events.emit('connection.replaced', replaced);
    await new Promise(setImmediate);
    expect(failures).toEqual([new Error('later')]);
  });

  it('of failures itself is warned of once and told to nobody again', async () => {
    const warned = warnings();
    const events = new Events(new Turns());
    let heard = 0;
    events.on('callback.failed', () => {
      heard += 1;
      throw new Error('worse');
    });
    events.emit('callback.failed', { callback: 'http', error: new Error('bad') });
    emitMarker();
    expect(heard).toBe(1);
    expect((await warned.next()).message).toContain('worse');
    expect((await warned.next()).message).toBe('marker');
  });

  it('of failures itself by a rejection is warned of once', async () => {
    const warned = warnings();
    const events = new Events(new Turns());
    let heard = 0;
    events.on('callback.failed', (async () => {
      heard += 1;
      await Promise.resolve();
      throw new Error('worse');
    }) as () => void);
    events.emit('callback.failed', { callback: 'http', error: new Error('bad') });
    expect((await warned.next()).message).toContain('worse');
    emitMarker();
    expect((await warned.next()).message).toBe('marker');
    expect(heard).toBe(1);
  });
});

describe('a failure that nobody listens for', () => {
  it('is a process warning with the error, the place and the remedy', async () => {
    const warned = warnings();
    new Events(new Turns()).emit('connection.crashed', crash(new Error('broken')));
    const warning = await warned.next();
    expect(warning.name).toBe('TroupeWarning');
    expect(warning.code).toBe('connection.crashed');
    expect(warning.message).toContain('ws.text in service "/chat" failed: Error: broken');
    expect(warning.detail).toContain("troupe.on('connection.crashed'");
  });

  it('of a callback says which', async () => {
    const warned = warnings();
    new Events(new Turns()).emit('callback.failed', { callback: 'http', error: 'only text' });
    expect((await warned.next()).message).toContain('http failed: only text');
  });

  it('is silent when somebody listens', async () => {
    const warned = warnings();
    const events = new Events(new Turns());
    events.on('connection.crashed', () => undefined);
    events.emit('connection.crashed', crash(new Error('broken')));
    emitMarker();
    expect((await warned.next()).message).toBe('marker');
  });

  it('of another kind is silent', async () => {
    const warned = warnings();
    new Events(new Turns()).emit('connection.replaced', replaced);
    emitMarker();
    expect((await warned.next()).message).toBe('marker');
  });

  it('warns a few times for each place, so that a stranger cannot fill a disk', async () => {
    const warned = warnings();
    const events = new Events(new Turns());
    for (let count = 0; count < 100; count += 1) events.emit('connection.crashed', crash(new Error('again')));
    events.emit('connection.crashed', crash(new Error('elsewhere'), '/other'));
    emitMarker();
    await warned.until(({ message }) => message === 'marker');
    const messages = warned.all.map(({ message }) => message);
    expect(messages.filter((message) => message.includes('again')).length).toBeLessThanOrEqual(10);
    expect(messages.filter((message) => message.includes('elsewhere'))).toHaveLength(1);
  });

  // Anything may be thrown; what cannot be made text must not make the report throw in its turn.
  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['a symbol', Symbol('s')],
    ['an object without a prototype', Object.create(null)],
    ['an object that cannot be text', { toString: () => ({}) }],
    [
      'an object whose toString throws',
      {
        toString: () => {
          throw new Error('no text');
        },
      },
    ],
    [
      'an error whose stack throws',
      Object.defineProperty(new Error('x'), 'stack', {
        get() {
          throw new Error('no stack');
        },
      }),
    ],
    ['a revoked proxy', revoked()],
  ])('may be caused by %s', async (_title, error) => {
    const warned = warnings();
    expect(() => new Events(new Turns()).emit('connection.crashed', crash(error))).not.toThrow();
    expect((await warned.next()).message).toContain('ws.text in service "/chat" failed');
  });
});

describe('a handler that throws what cannot be made text', () => {
  it('ends its connection with 1011, as any other failure does', async () => {
    warnings();
    const service = defineService({
      basePath: '/odd',
      onTextMessage(_connection: Connection, _text: string) {
        throw Object.create(null);
      },
    });
    const server = await serve([service]);
    const client = await connect(server.url('/odd'));
    client.send('x');
    expect((await client.closed).code).toBe(1011);
  });
});

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

describe('overhearing', () => {
  it('hears of an event before its listeners, until it ends', () => {
    const events = new Events(new Turns());
    const heard: string[] = [];
    expect(events.has('connection.replaced')).toBe(false);
    const end = events.overhear('connection.replaced', () => void heard.push('overheard'));
    events.on('connection.replaced', () => void heard.push('heard'));
    events.emit('connection.replaced', replaced);
    end();
    events.emit('connection.replaced', replaced);
    expect(heard).toEqual(['overheard', 'heard', 'heard']);
  });

  it('is reason enough to make an event, while it lasts', () => {
    const events = new Events(new Turns());
    const ends = [events.overhear('connection.replaced', () => {}), events.overhear('connection.replaced', () => {})];
    ends[0]!();
    expect(events.has('connection.replaced')).toBe(true);
    ends[1]!();
    expect(events.has('connection.replaced')).toBe(false);
  });

  it('takes nobody’s place: a failure that is only overheard becomes a warning', async () => {
    const warned = warnings();
    const events = new Events(new Turns());
    const end = events.overhear('connection.crashed', () => {});
    events.emit('connection.crashed', crash(new Error('only overheard')));
    expect(await warned.next()).toMatchObject({ code: 'connection.crashed' });
    end();
  });
});
