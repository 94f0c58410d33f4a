import { onTestFinished, describe, expect, it } from 'vitest';
import { createTroupe, defineService, type Connection } from 'troupe';
import { Client } from '../../bench/crowd/client.ts';
import { clientFrame, opcodes } from '../../bench/generator/frames.ts';
import { memoryConnect } from '../../bench/memory/connect.ts';
import { Inbox, turn } from '../support/inbox.ts';

// The growth workload has more connections than a process may have sockets: they are carried by streams in memory.
// Here that carrier is held to what the public `handleUpgrade` needs of it.

interface Conversation {
  readonly client: Client;
  readonly connection: Connection;
  readonly told: Inbox<string>;
  readonly failures: Inbox<string>;
  readonly closes: Inbox<{ code: number; reason: string }>;
}

/** A client and the connection of an echo service that it has. */
async function converse(): Promise<Conversation> {
  const connections = new Inbox<Connection>();
  const closes: Conversation['closes'] = new Inbox();
  const echo = defineService({
    basePath: '/echo',
    onOpen: (connection) => connections.push(connection),
    onTextMessage: (connection, text) => connection.pushText(text),
    onClose: (_connection, info) => closes.push(info),
  });
  const troupe = createTroupe({ services: [echo] });
  onTestFinished(() => troupe.close());
  const told = new Inbox<string>();
  const failures = new Inbox<string>();
  const connect = memoryConnect((request, stream, head) => troupe.handleUpgrade(request, stream, head));
  const client = await Client.open(0, '/echo', connect, {
    onText: (_client, text) => told.push(text.toString()),
    onFailure: (_client, error) => failures.push(error.message),
  });
  return { client, connection: await connections.next(), told, failures, closes };
}

const say = (text: string): Buffer => clientFrame(opcodes.text, Buffer.from(text));

describe('the transport in memory', () => {
  it('carries messages both ways, unaltered and in order', async () => {
    const { client, told } = await converse();
    const texts = ['first', 'zweitens: äöü€', 'x'.repeat(200), 'y'.repeat(60_000), ''];
    for (const text of texts) client.write(say(text));
    for (const text of texts) expect(await told.next()).toBe(text);
  });

  it('hands the server bytes of its own, as unmasking changes them', async () => {
    const { client, told } = await converse();
    const frame = say('twice');
    client.write(frame);
    client.write(frame);
    expect(await told.next()).toBe('twice');
    expect(await told.next()).toBe('twice');
    expect(frame).toEqual(say('twice'));
  });

  it('takes a frame in pieces', async () => {
    const { client, told } = await converse();
    for (const byte of say('in pieces')) client.write(Buffer.from([byte]));
    expect(await told.next()).toBe('in pieces');
  });

  it('carries the closing handshake that the client begins', async () => {
    const { client, closes } = await converse();
    await client.close();
    expect(client.closeCode).toBe(1000);
    expect(await closes.next()).toEqual({ code: 1000, reason: '' });
  });

  it('carries the closing handshake that the server begins', async () => {
    const { client, connection, closes, failures } = await converse();
    connection.closeConnection(4001, 'enough');
    expect(await failures.next()).toBe('the server ended it with 4001');
    expect(client.closeCode).toBe(4001);
    expect(await closes.next()).toEqual({ code: 4001, reason: 'enough' });
  });

  it('shows a client that breaks off as lost', async () => {
    const { client, closes } = await converse();
    client.abort();
    expect(await closes.next()).toEqual({ code: 1006, reason: '' });
  });

  it('keeps on the side of the server what a client does not read', async () => {
    const { client, connection, told, failures } = await converse();
    client.stall();
    const large = 'z'.repeat(60_000);
    let pushed = 0;
    while (connection.pushText(large).status === 'delivered') pushed++;
    expect(pushed).toBeGreaterThan(16);
    expect(connection.pushText('one more').status).toBe('congested');
    await turn();
    client.resume();
    for (let message = 0; message < pushed; message++) expect(await told.next()).toBe(large);
    // The policy for slow readers has acted meanwhile.
    expect(await failures.next()).toBe('the server ended it with 1013');
  });
});
