import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Inbox } from '../../src/runtime/inbox.ts';
import type { WsEvent } from '../../src/service/events.ts';
import type { Socket } from '../../src/transport/contract.ts';

/** A socket that only knows whether it is read. */
class Tap implements Socket {
  readonly bufferedBytes = 0;
  readonly bytesReceived = 0;
  readonly calls: string[] = [];
  write(): void {}
  ping(): void {}
  close(): void {}
  destroy(): void {}
  pause(): void {
    this.calls.push('pause');
  }
  resume(): void {
    this.calls.push('resume');
  }
}

function text(value: string | number): WsEvent {
  return { type: 'ws.text', text: String(value) };
}

function binary(length: number): WsEvent {
  return { type: 'ws.binary', data: new Uint8Array(length) };
}

function bytesOf(event: WsEvent): number {
  if (event.type === 'ws.text') return event.text.length;
  return event.type === 'ws.binary' ? event.data.length : 0;
}

function newInbox(bound: number, boundBytes = 1_000_000) {
  const socket = new Tap();
  const inbox = new Inbox(socket, bound, boundBytes);
  const keep = (count: number): void => {
    for (let index = 0; index < count; index++) inbox.keep(text(index));
  };
  const take = (count: number): void => {
    for (let index = 0; index < count; index++) inbox.take();
  };
  return { socket, inbox, keep, take };
}

describe('an inbox', () => {
  it('hands out what it keeps, in order, and nothing when it is empty', () => {
    const { inbox } = newInbox(10);
    for (const value of ['a', 'b', 'c']) inbox.keep(text(value));
    expect(inbox.size).toBe(3);
    expect([inbox.take(), inbox.take(), inbox.take()]).toEqual([text('a'), text('b'), text('c')]);
    expect(inbox.take()).toBeUndefined();
    expect(inbox.size).toBe(0);
  });

  it('has the socket read until its bound is reached', () => {
    const { socket, inbox, keep } = newInbox(4);
    keep(3);
    expect(inbox.isReading).toBe(true);
    keep(1);
    expect(inbox.isReading).toBe(false);
    expect(socket.calls).toEqual(['pause']);
  });

  it('takes in what one read had already brought, beyond its bound', () => {
    const { socket, inbox, keep } = newInbox(4);
    keep(7);
    expect(inbox.size).toBe(7);
    expect(socket.calls).toEqual(['pause']);
  });

  it('has the socket read again when half of it is free', () => {
    const { socket, inbox, keep, take } = newInbox(4);
    keep(4);
    take(1);
    expect(inbox.isReading).toBe(false);
    take(1);
    expect(inbox.isReading).toBe(true);
    expect(socket.calls).toEqual(['pause', 'resume']);
  });

  it('has the socket read until its bound in bytes is reached, however few messages that are', () => {
    const { socket, inbox } = newInbox(100, 10);
    inbox.keep(binary(4));
    inbox.keep(text('12345'));
    expect(inbox.isReading).toBe(true);
    inbox.keep(text('1'));
    expect(inbox.isReading).toBe(false);
    expect(inbox.size).toBe(3);
    expect(socket.calls).toEqual(['pause']);
  });

  it('has the socket read again when half of its bytes are free', () => {
    const { socket, inbox, take } = newInbox(100, 10);
    inbox.keep(text('123'));
    inbox.keep(binary(3));
    inbox.keep(text('1234'));
    expect(inbox.isReading).toBe(false);
    take(1);
    expect(inbox.isReading).toBe(false);
    take(1);
    expect(inbox.isReading).toBe(true);
    expect(socket.calls).toEqual(['pause', 'resume']);
  });

  it('has the socket read again only when both bounds have room', () => {
    const { inbox, take } = newInbox(4, 10);
    inbox.keep(text('1'));
    for (let times = 0; times < 3; times++) inbox.keep(binary(3));
    take(2);
    expect(inbox.isReading).toBe(false);
    take(1);
    expect(inbox.isReading).toBe(true);
  });

  it('comes to life again after one message that is larger than its bound', () => {
    const { socket, inbox, take } = newInbox(100, 10);
    inbox.keep(binary(50));
    expect(inbox.isReading).toBe(false);
    take(1);
    expect(inbox.isReading).toBe(true);
    expect(socket.calls).toEqual(['pause', 'resume']);
  });

  it('counts no bytes of what it has discarded', () => {
    const { inbox, take } = newInbox(100, 10);
    inbox.keep(binary(9));
    inbox.discard();
    inbox.keep(binary(9));
    expect(inbox.isReading).toBe(true);
    inbox.keep(binary(9));
    expect(inbox.isReading).toBe(false);
    take(2);
    expect(inbox.isReading).toBe(true);
  });

  it('counts no bytes for an event that is no message', () => {
    const { inbox } = newInbox(100, 1);
    inbox.keep({ type: 'ws.idle' });
    inbox.keep({ type: 'ws.replaced', name: 'a long name' });
    expect(inbox.isReading).toBe(true);
  });

  it.each([1, 2, 3])('comes to life again with a bound of %i', (bound) => {
    const { socket, inbox, keep, take } = newInbox(bound);
    keep(bound);
    expect(inbox.isReading).toBe(false);
    take(bound);
    expect(inbox.isReading).toBe(true);
    expect(socket.calls).toEqual(['pause', 'resume']);
  });

  it('reads no more once it has been told to stop, whatever is taken', () => {
    const { socket, inbox, keep, take } = newInbox(4);
    keep(2);
    inbox.stopReading();
    expect(inbox.isReading).toBe(false);
    take(2);
    expect(inbox.isReading).toBe(false);
    expect(socket.calls).toEqual(['pause']);
  });

  it('does not pause a socket twice', () => {
    const { socket, inbox, keep } = newInbox(2);
    keep(2);
    inbox.stopReading();
    keep(3);
    expect(socket.calls).toEqual(['pause']);
  });

  it('reads again when it is told to, for a close frame to arrive', () => {
    const { socket, inbox } = newInbox(4);
    inbox.readAgain();
    expect(socket.calls).toEqual([]);
    inbox.stopReading();
    inbox.readAgain();
    inbox.readAgain();
    expect(inbox.isReading).toBe(true);
    expect(socket.calls).toEqual(['pause', 'resume']);
  });

  it('forgets everything when it discards, and goes on', () => {
    const { inbox, keep } = newInbox(10);
    keep(5);
    inbox.take();
    inbox.discard();
    expect(inbox.size).toBe(0);
    expect(inbox.take()).toBeUndefined();
    inbox.keep(text('next'));
    expect(inbox.take()).toEqual(text('next'));
  });

  it('keeps the order and the bounds, whatever comes and goes', () => {
    const kinds = fc.constantFrom('text', 'binary', 'take', 'take', 'discard');
    const steps = fc.array(fc.tuple(kinds, fc.nat({ max: 9 })), { maxLength: 300, size: 'max' });
    const bounds = fc.integer({ min: 1, max: 8 });
    fc.assert(
      fc.property(bounds, fc.integer({ min: 1, max: 30 }), steps, (bound, boundBytes, drawn) => {
        const { socket, inbox } = newInbox(bound, boundBytes);
        const model: WsEvent[] = [];
        for (const [step, length] of drawn) {
          if (step === 'text' || step === 'binary') {
            const event = step === 'text' ? text('x'.repeat(length)) : binary(length);
            inbox.keep(event);
            model.push(event);
          } else if (step === 'take') {
            expect(inbox.take()).toBe(model.shift());
          } else {
            inbox.discard();
            model.length = 0;
          }
          expect(inbox.size).toBe(model.length);
          const bytes = model.reduce((sum, event) => sum + bytesOf(event), 0);
          if (model.length >= bound || bytes >= boundBytes) expect(inbox.isReading).toBe(false);
          const hasRoom = model.length <= bound / 2 && bytes <= boundBytes / 2;
          if (step === 'take' && model.length > 0 && hasRoom) expect(inbox.isReading).toBe(true);
          expect(socket.calls.length % 2 === 0).toBe(inbox.isReading);
        }
      }),
    );
  });

  it('holds no memory for what was taken, also when it is never empty', () => {
    setFlagsFromString('--expose_gc');
    const collect = runInNewContext('gc') as () => void;
    const { inbox } = newInbox(64);
    const event = text('x');
    inbox.keep(event);
    collect();
    const before = process.memoryUsage().heapUsed;
    // One that waits behind another all the time, as under a steady load.
    for (let times = 0; times < 3_000_000; times++) {
      inbox.keep(event);
      inbox.take();
    }
    collect();
    expect((process.memoryUsage().heapUsed - before) / 1024 / 1024).toBeLessThan(4);
    expect(inbox.size).toBe(1);
  });
});
