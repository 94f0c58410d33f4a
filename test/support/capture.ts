import { defineService, type Connection } from 'troupe';
import { connect, type Client, type ConnectOptions } from './client.ts';
import { Inbox } from './inbox.ts';
import type { Paths } from './forms.ts';
import type { Server } from './server.ts';

/** A handler service that hands its connections out, so that a test calls the functions itself. */
export function capture(paths: Paths) {
  const opened = new Inbox<Connection>();
  const texts = new Inbox<string>();
  const closes = new Inbox<{ connection: Connection; code: number; reason: string }>();
  const replaced = new Inbox<{ connection: Connection; name: string }>();
  const service = defineService({
    ...paths,
    onOpen(connection: Connection) {
      opened.push(connection);
    },
    onTextMessage(_connection: Connection, text: string) {
      texts.push(text);
    },
    onClose(connection: Connection, { code, reason }: { code: number; reason: string }) {
      closes.push({ connection, code, reason });
    },
    onReplaced(connection: Connection, { name }: { name: string }) {
      replaced.push({ connection, name });
    },
  });

  /** A client and its connection on the server. One after the other: the pair is matched by order. */
  async function pair(server: Server, path: string, options?: ConnectOptions): Promise<Pair> {
    const client = await connect(server.url(path), options);
    return { client, connection: await opened.next() };
  }

  return { service, opened, texts, closes, replaced, pair };
}

export interface Pair {
  client: Client;
  connection: Connection;
}
