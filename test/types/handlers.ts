// oxlint-disable typescript/no-unsafe-call -- what must not compile has no type
import {
  BasePath,
  createTroupe,
  defineService,
  OnClose,
  OnOpen,
  OnTextMessage,
  type Connection,
  type Delivery,
  type TroupeEvents,
} from 'troupe';

defineService({
  basePath: '/a',
  async onOpen(connection) {
    await connection.storeConnection('alice');
  },
  onTextMessage(connection, text) {
    const delivery: Delivery = connection.pushText(text.trim());
    return delivery;
  },
  onBinaryMessage: (connection, data) => connection.pushBinary(data.subarray(1)),
  onClose(_connection, { code, reason }) {
    return `${code.toFixed()} ${reason.trim()}`;
  },
  onError(_connection, error) {
    // @ts-expect-error: anything can be thrown, so an error is unknown until it is looked at
    return error.message;
  },
  onReplaced: (_connection, { name }) => name.trim(),
});

// @ts-expect-error: a text message is text
defineService({ basePath: '/a', onTextMessage: (_connection: Connection, _data: Uint8Array) => undefined });

// @ts-expect-error: a binary message is no text
defineService({ basePath: '/a', onBinaryMessage: (_connection: Connection, _text: string) => undefined });

// @ts-expect-error: there are no more than two arguments
defineService({ basePath: '/a', onOpen: (_connection: Connection, _extra: string) => undefined });

// @ts-expect-error: no handler has that name
defineService({ basePath: '/a', onOpen: () => undefined, onMessage: () => undefined });

// @ts-expect-error: a path is text
defineService({ basePath: 5, onOpen: () => undefined });

// @ts-expect-error: handlers and a machine are two forms of a service
defineService({ basePath: '/a', onOpen: () => undefined, machine: undefined });

// @ts-expect-error: the time for the handshake is a limit of the server
defineService({ basePath: '/a', onOpen: () => undefined, limits: { handshakeTimeoutMs: 5 } });

export async function functions(connection: Connection): Promise<void> {
  // @ts-expect-error: text is no bytes
  connection.pushText(new Uint8Array());
  // @ts-expect-error: bytes are no text
  connection.pushBinary('text');
  // @ts-expect-error: a number is no text
  connection.broadcastText(5);
  // @ts-expect-error: the name comes first
  await connection.pushTextToConnection('only a text');
  // @ts-expect-error: to leave out a connection takes a list
  connection.broadcastText('x', { except: connection });
  connection.broadcastText('x', { except: [connection, 'an id'] });
  // @ts-expect-error: whether it answered at once is not known, so it is awaited before it is read
  const { status } = connection.addConnectionToGroup('lobby');
  const outcome = await connection.addConnectionToGroup('lobby');
  // @ts-expect-error: no function of this kind delivers
  if (outcome.status === 'delivered') return status;
  // @ts-expect-error: an answer is not changed
  outcome.count = 5;
}

@BasePath('/annotated')
export class Annotated {
  @OnOpen() opened(_connection: Connection): void {}
  @OnTextMessage() async said(_connection: Connection, _text: string): Promise<void> {}
  @OnClose() left(_connection: Connection, _info: { code: number; reason: string }): void {}

  // @ts-expect-error: a text message is text
  @OnTextMessage() wrong(_connection: Connection, _data: Uint8Array): void {}

  // @ts-expect-error: the annotation belongs on a method
  @OnOpen() field = 5;

  // @ts-expect-error: the annotation belongs on a class
  @BasePath('/method') method(): void {}
}

const troupe = createTroupe({ services: [Annotated] });

// @ts-expect-error: what is passed as a service must be one
createTroupe({ services: [{ basePath: '/a' }] });

// @ts-expect-error: no such limit
createTroupe({ limits: { maxPayloadBytes: 5 } });

// @ts-expect-error: outside a connection there is no connection to push to
troupe.pushText('x');

// @ts-expect-error: no such event
troupe.on('connection.open', () => undefined);

troupe.on('connection.closed', ({ connection, code }) => {
  const closed: TroupeEvents['connection.closed']['connection'] = connection;
  // @ts-expect-error: what is told is plain data, without functions
  connection.pushText(`${code} ${closed.id}`);
});
