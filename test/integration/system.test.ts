/** The actor system as an inspector sees it: who is beneath whom, and that nobody holds connections in a snapshot. */
import { createTroupe, defineService, serviceSetup, type Connection } from 'troupe';
import { expect, it, onTestFinished } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { connect } from '../support/client.ts';

async function running() {
  const actors: AnyActorRef[] = [];
  const machine = serviceSetup().createMachine({
    id: 'chat',
    initial: 'listening',
    states: {
      listening: {
        on: { 'ws.text': { actions: { type: 'pushText', params: ({ event }) => ({ text: event.text }) } } },
      },
    },
  });
  const handlers = defineService({
    basePath: '/handlers',
    onTextMessage: (connection: Connection, text: string) => void connection.pushText(text),
  });
  const troupe = createTroupe({
    services: [defineService({ basePath: '/machine', machine }), handlers],
    inspect(event) {
      if (event.type === '@xstate.actor') actors.push(event.actorRef as AnyActorRef);
    },
  });
  onTestFinished(() => troupe.close());
  const { webSocketUrl } = await troupe.listen();
  for (const path of ['/machine', '/machine', '/handlers']) {
    const client = await connect(`${webSocketUrl}${path}`);
    client.send('hello');
    expect(await client.next()).toBe('hello');
  }
  return { troupe, actors };
}

/** The ids from the root down to `actor`. */
function lineOf(actor: AnyActorRef): string {
  return actor._parent === undefined ? actor.id : `${lineOf(actor._parent)} > ${actor.id}`;
}

it('has each connection beneath its service, and the machine of a service beneath its connection', async () => {
  const { troupe, actors } = await running();
  const [first, second] = troupe.connections('/machine').items;
  const [third] = troupe.connections('/handlers').items;

  expect(actors.map(lineOf)).toEqual([
    'supervisor',
    'supervisor > server',
    'supervisor > named-connections',
    'supervisor > groups',
    'supervisor > /machine',
    'supervisor > /handlers',
    `supervisor > /machine > ${first!.id}`,
    `supervisor > /machine > ${first!.id} > service`,
    `supervisor > /machine > ${second!.id}`,
    `supervisor > /machine > ${second!.id} > service`,
    `supervisor > /handlers > ${third!.id}`,
  ]);
  expect(new Set(actors.map(({ system }) => system)).size).toBe(1);
});

it('holds no connection in the children of a snapshot', async () => {
  const { actors } = await running();

  const withChildren = actors.filter((actor) => {
    const { children } = actor.getSnapshot() as { children?: object };
    return Object.keys(children ?? {}).length > 0;
  });
  expect(withChildren).toEqual([]);
});
