import { describe, expect, it } from 'vitest';
import { SimulatedClock, type AnyActorRef } from 'xstate';
import { MAX_BUFFERED_BYTES, Viewer } from '../../src/inspector/viewer.ts';

function createViewer({ isExtended = true, maxEventsPerSecond = 3, hasTime = (): boolean => true } = {}) {
  const clock = new SimulatedClock();
  const sent: { type?: string; count?: number }[] = [];
  const closed: unknown[] = [];
  const retold: string[] = [];
  const link = {
    bufferedBytes: 0,
    send: (text: string) => void sent.push(JSON.parse(text) as object),
    close: (...how: unknown[]) => void closed.push(how),
  };
  const viewer = new Viewer({
    link,
    isExtended,
    maxEventsPerSecond,
    clock,
    retell(_viewer, { sessionId }) {
      if (hasTime()) retold.push(sessionId);
      return hasTime();
    },
  });
  return { viewer, clock, link, sent, closed, retold };
}

const failure = { type: 'troupe.failure', at: 0, callback: 'x', error: { name: 'Error', message: '' } } as const;

function tell(viewer: Viewer): void {
  if (viewer.hasRoom()) viewer.answer(failure);
}

describe('a viewer', () => {
  it('is told of so many events in a second, then of how many it was not told', () => {
    const { viewer, clock, sent } = createViewer();
    for (let count = 0; count < 8; count++) tell(viewer);
    expect(sent).toHaveLength(3);
    clock.increment(1000);
    expect(sent.at(-1)).toMatchObject({ type: 'troupe.dropped', count: 5 });
    tell(viewer);
    expect(sent.at(-1)).toEqual(failure);
    clock.increment(1000);
    expect(sent).toHaveLength(5);
  });

  it('is told why it was not told', () => {
    const { viewer, clock, sent } = createViewer();
    viewer.drop();
    for (let count = 0; count < 5; count++) tell(viewer);
    clock.increment(1000);
    expect(sent.at(-1)).toMatchObject({ type: 'troupe.dropped', count: 3, busy: 1 });
    for (let count = 0; count < 4; count++) tell(viewer);
    clock.increment(1000);
    expect(sent.at(-1)).toMatchObject({ type: 'troupe.dropped', count: 1, busy: 0 });
  });

  it('is told how the actors are that it watches and has missed something of', () => {
    const { viewer, clock, sent, retold } = createViewer({ maxEventsPerSecond: 1 });
    viewer.watched.set('x:1', { sessionId: 'x:1' } as AnyActorRef);
    viewer.watched.set('x:2', { sessionId: 'x:2' } as AnyActorRef);
    expect([viewer.hasRoom('x:1'), viewer.hasRoom('x:2'), viewer.hasRoom('x:2'), viewer.hasRoom('x:3')]).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect(sent).toMatchObject([{ type: 'troupe.missed', sessionId: 'x:2' }]);
    clock.increment(1000);
    expect(retold).toEqual(['x:2']);
  });

  it('is told of them later when there is no time for it', () => {
    let hasTime = false;
    const { viewer, clock, retold } = createViewer({ maxEventsPerSecond: 1, hasTime: () => hasTime });
    viewer.watched.set('x:1', { sessionId: 'x:1' } as AnyActorRef);
    viewer.drop('x:1');
    clock.increment(1000);
    expect(retold).toEqual([]);
    hasTime = true;
    clock.increment(1000);
    clock.increment(1000);
    expect(retold).toEqual(['x:1']);
  });

  it('that understands no frames of ours gets none', () => {
    const { viewer, clock, sent } = createViewer({ isExtended: false, maxEventsPerSecond: 1 });
    expect([viewer.hasRoom(), viewer.hasRoom()]).toEqual([true, false]);
    clock.increment(1000);
    expect(sent).toEqual([]);
  });

  it('that does not read is cut with 1013', () => {
    const { viewer, link, closed, sent } = createViewer();
    link.bufferedBytes = MAX_BUFFERED_BYTES;
    viewer.answer(failure);
    expect(closed).toEqual([]);
    link.bufferedBytes++;
    viewer.answer(failure);
    expect(closed).toEqual([[1013, 'the viewer reads too slowly']]);
    expect(viewer.isGone).toBe(true);
    viewer.answer(failure);
    tell(viewer);
    expect(sent).toHaveLength(2);
  });

  it('leaves no timer behind', () => {
    const { viewer, clock, sent } = createViewer({ maxEventsPerSecond: 1 });
    expect([viewer.hasRoom(), viewer.hasRoom()]).toEqual([true, false]);
    viewer.leave();
    clock.increment(10_000);
    expect(sent).toEqual([]);
  });
});
