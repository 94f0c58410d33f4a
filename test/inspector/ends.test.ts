import { describe, expect, it } from 'vitest';
import { createActor, fromCallback, fromTransition, SimulatedClock, type AnyActorRef } from 'xstate';
import { defineService, serviceSetup } from 'troupe';
import { Hub } from '../../src/inspector/hub.ts';
import { hasEnded } from '../../src/inspector/reading.ts';
import type { InspectedWatcher, InspectorSource, InspectorWatching } from '../../src/inspector/source.ts';
import { inspectionOf } from '../../src/runtime/inspection.ts';
import { connect } from '../support/client.ts';
import { serveInspected } from './support.ts';

const idle = fromTransition((state: number) => state, 0);
const stop = (actor: unknown): void => (actor as { _stop(): void })._stop();
const childOf = (parent: AnyActorRef): AnyActorRef =>
  createActor(
    fromCallback(() => {}),
    { parent } as never,
  );

describe('an actor', () => {
  // XState says nothing of it: its place with a viewer was taken for good.
  it('that is stopped before its start has ended, and so has one whose parent has gone before that', () => {
    const parent = createActor(idle).start();
    const [stopped, left] = [childOf(parent), childOf(parent)];
    expect([hasEnded(stopped), hasEnded(left)]).toEqual([false, false]);
    stop(stopped);
    expect(stopped.getSnapshot()).toMatchObject({ status: 'active' });
    expect([hasEnded(stopped), hasEnded(left)]).toEqual([true, false]);
    parent.stop();
    expect(hasEnded(left)).toBe(true);
  });

  it('that ends unnoticed is watched no longer', () => {
    const clock = new SimulatedClock();
    const root = createActor(idle).start();
    let watcher: InspectedWatcher | undefined;
    const watched = new Set<AnyActorRef>();
    const source = {
      ...{ supervisor: root, server: root, names: root, groups: root, backplane: undefined, services: [] },
      storedNames: new Map(),
      allGroups: new Map(),
      isOwn: (actor: AnyActorRef) => actor === root,
      inspect(asking: InspectedWatcher): InspectorWatching {
        watcher = asking;
        return {
          add: (actor) => void watched.add(actor),
          remove: (actor) => void watched.delete(actor),
          end() {},
        };
      },
    } as unknown as InspectorSource;
    const hub = new Hub({ source, clock, redaction: 'all', allowActions: false, maxEventsPerSecond: 10 });
    const seat = hub.welcome({ bufferedBytes: 0, send() {}, close() {} }, false);
    const child = childOf(root);
    watcher!.next({ type: '@xstate.actor', actorRef: child, rootId: root.sessionId });
    stop(child);
    expect(watched.has(child)).toBe(true);
    clock.increment(500);
    expect(watched.has(child)).toBe(false);
    expect(watched.has(root)).toBe(true);
    seat.left();
    expect(watched.has(root)).toBe(false);
  });
});

describe('a connection whose machine crashes', () => {
  it('ends for who watches it, and the actors are inspected no more', async () => {
    let system: AnyActorRef['system'] | undefined;
    const machine = serviceSetup()
      .extend({
        actions: {
          look: ({ self }) => ({ system } = self as AnyActorRef),
          fail() {
            throw new Error('it broke');
          },
        },
      })
      .createMachine({ entry: 'look', on: { 'ws.text': { actions: 'fail' } } });
    const server = await serveInspected([defineService({ basePath: '/fragile', machine })]);
    server.troupe.on('connection.crashed', () => {});
    const client = await connect(server.url('/fragile'));
    const viewer = await server.view();
    const { items } = await viewer.get('troupe.list', { type: 'list', of: 'connections' });
    const { id } = items[0] as { id: string };
    const { connection } = await viewer.get('troupe.connection', { type: 'connection', of: id });
    const actors = connection.actors.map(({ sessionId }) => sessionId);
    await viewer.ask({ type: 'watch', actors });
    expect(inspectionOf(system!).isOn).toBe(true);
    client.send('break');
    const ended = [(await viewer.until('troupe.ended')).sessionId, (await viewer.until('troupe.ended')).sessionId];
    expect(ended.toSorted()).toEqual(actors.toSorted());
    expect(inspectionOf(system!).isOn).toBe(false);
  });
});
