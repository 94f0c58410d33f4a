import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createTroupe, defineService } from 'troupe';
import { Turns } from '../../src/runtime/turns.ts';
import { eventNames, Events, type TroupeEventName } from '../../src/telemetry/events.ts';

/** What comes by the channel of a fact until the test ends. */
function hear(name: TroupeEventName, also: (message: unknown) => void = () => undefined): unknown[] {
  const heard: unknown[] = [];
  const listener = (message: unknown): void => {
    heard.push(message);
    also(message);
  };
  subscribe(`troupe:${name}`, listener);
  onTestFinished(() => void unsubscribe(`troupe:${name}`, listener));
  return heard;
}

const replaced = { name: 'alice', connection: 'c2', previous: 'c1' };

describe('the channel of a fact', () => {
  it.each(eventNames)('is there for %s: it gets the fields of the fact, and whose it is', (name) => {
    const events = new Events(new Turns());
    const troupe = (events.troupe = {});
    const heard = hear(name);
    // Which fields belong to which name is known to the types alone.
    (events.emit as (name: string, event: object) => void)(name, { some: 'field' });
    expect(heard).toEqual([{ troupe, some: 'field' }]);
    expect((heard[0] as { troupe: object }).troupe).toBe(troupe);
  });

  it('is reason enough to make the fact, for as long as somebody subscribes', () => {
    const events = new Events(new Turns());
    const listener = (): void => undefined;
    expect(events.has('connection.replaced')).toBe(false);
    subscribe('troupe:connection.replaced', listener);
    expect([events.has('connection.replaced'), events.has('connection.opened')]).toEqual([true, false]);
    unsubscribe('troupe:connection.replaced', listener);
    expect(events.has('connection.replaced')).toBe(false);
  });

  it('is one for all Troupes of a process', () => {
    const heard = hear('service.attached');
    const [one, other] = [createTroupe(), createTroupe()];
    const service = defineService({ basePath: '/a', onTextMessage: () => undefined });
    one.attachService(service);
    other.attachService(service);
    expect(heard).toEqual([
      { troupe: one, service: '/a' },
      { troupe: other, service: '/a' },
    ]);
  });

  it('gets nothing that nobody subscribes to', () => {
    const events = new Events(new Turns());
    const own = channel('troupe:connection.replaced');
    const published: unknown[] = [];
    own.publish = (message) => void published.push(message);
    onTestFinished(() => void Reflect.deleteProperty(own, 'publish'));
    events.on('connection.replaced', () => undefined);
    events.emit('connection.replaced', replaced);
    expect(published).toEqual([]);
  });

  it('leaves what the event gives to listeners as it is', () => {
    const events = new Events(new Turns());
    hear('connection.replaced');
    const told: unknown[] = [];
    events.on('connection.replaced', (event) => told.push(event));
    events.emit('connection.replaced', replaced);
    expect(told[0]).toBe(replaced);
  });

  it('runs subscribers in a turn of their own', () => {
    const turns = new Turns();
    const events = new Events(turns);
    const order: string[] = [];
    hear('connection.replaced', () => {
      turns.after(() => order.push('what follows'));
      order.push('subscriber');
    });
    events.emit('connection.replaced', replaced);
    expect(order).toEqual(['subscriber', 'what follows']);
  });

  it('takes the place of the warning for a failure', async () => {
    const warned: string[] = [];
    const warn = (warning: Error): void => void warned.push(warning.message);
    process.on('warning', warn);
    onTestFinished(() => void process.off('warning', warn));
    const heard = hear('callback.failed');
    new Events(new Turns()).emit('callback.failed', { callback: 'http', error: new Error('heard of') });
    process.emitWarning('marker');
    await new Promise(setImmediate);
    expect(heard).toHaveLength(1);
    expect(warned).toEqual(['marker']);
  });
});
