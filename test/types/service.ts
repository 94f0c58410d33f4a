import { createTroupe, defineService, serviceSetup, OnTextMessage, type Connection } from 'troupe';

// Path parameters are typed by the path.
defineService({
  basePath: '/rooms',
  webSocketUpgradePath: '/{room}',
  onTextMessage(connection, text) {
    connection.pushText(connection.params.room + text);
    // @ts-expect-error: the path has no such segment
    void connection.params.roomm;
    // @ts-expect-error: text is a string
    connection.pushText(1);
    // @ts-expect-error: binary data is a Uint8Array
    connection.pushBinary('text');
  },
});

defineService({
  basePath: '/rooms',
  webSocketUpgradePath: '/a',
  // @ts-expect-error: a text handler gets a string
  onTextMessage(_connection: Connection, _text: number) {},
});

// Actions of a machine are typed by their params.
const base = serviceSetup<{ nick: string }>();
base.createMachine({
  context: { nick: '' },
  on: { 'ws.text': { actions: { type: 'pushText', params: ({ event }) => ({ text: event.text }) } } },
});
base.createMachine({
  context: { nick: '' },
  // @ts-expect-error: no such action
  on: { 'ws.text': { actions: { type: 'pushTxt', params: { text: 'a' } } } },
});
base.createMachine({
  context: { nick: '' },
  // @ts-expect-error: pushText asks for text
  on: { 'ws.text': { actions: { type: 'pushText', params: { group: 'a' } } } },
});
// @ts-expect-error: the context misses its field
base.createMachine({ context: {} });

export class Annotated {
  // @ts-expect-error: a text handler gets a string
  @OnTextMessage() said(_connection: Connection, _text: number): void {}
}

// @ts-expect-error: a service is a definition or an annotated class
createTroupe({ services: [{ basePath: '/a' }] });
